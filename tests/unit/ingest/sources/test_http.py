import gzip
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from ingest.sources.http import Request, Transport, raise_for_overload, retry_at
from shared.errors import BadAnswerError, KeyRefusedError, RateLimitedError, UnreachableError

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def serve():
    """serve(function(handler)) starts a server whose every answer that function writes; returns its URL."""
    servers = []

    def start(write):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                try:
                    write(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815 - the name is the library's

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/path"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.socket.close()


def reply(handler, body=b"{}", status=200, **headers):
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def get(url, settings, **options):
    return Transport("guardian", settings, **options).send(Request(url=url, params={"q": "a b"}))


def test_it_sends_what_is_asked_with_the_key_and_returns_the_whole_answer(serve, settings):
    seen = []

    def write(handler):
        seen.append(
            (handler.command, handler.path, handler.headers["X-Api-Key"], handler.headers["User-Agent"])
        )
        reply(handler, b'{"ok":1}', X_Test="yes")

    got = get(serve(write), settings, headers={"X-Api-Key": "k1"}, params={"api-key": "k2"})
    assert (got.status, got.body, got.headers["x-test"]) == (200, b'{"ok":1}', "yes")
    assert seen == [("GET", "/path?q=a+b&api-key=k2", "k1", settings.reddit_user_agent)]


def test_a_form_is_posted_with_basic_auth(serve, settings):
    seen = []

    def write(handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.command, handler.headers["Authorization"], body))
        reply(handler)

    request = Request(url=serve(write), form={"grant_type": "x"}, basic_auth=("id", "secret"))
    Transport("reddit", settings).send(request)
    assert seen == [("POST", "Basic aWQ6c2VjcmV0", b"grant_type=x")]


def test_redirects_are_not_followed(serve, settings):
    assert get(serve(lambda h: reply(h, status=302, Location="/elsewhere")), settings).status == 302


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_body_is_dropped_on_the_way(serve, settings, packed):
    sent = []

    def write(handler):
        if packed:  # 10 MB in 10 kB
            return reply(handler, gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")
        handler.send_response(200)
        handler.end_headers()
        sent.extend(handler.wfile.write(b"x" * 10_000) for _ in range(10_000))
        return None

    with pytest.raises(BadAnswerError, match="larger than 100000 bytes"):
        get(serve(write), settings)
    assert sum(sent) < 50_000_000


def test_a_body_that_trickles_is_given_up(serve, settings):
    def write(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    # A pause between two bytes is no time-out, however busy the machine is.
    quick = msgspec.structs.replace(settings, connect_timeout_seconds=0.1, read_timeout_seconds=1.9)
    with pytest.raises(UnreachableError, match=r"took longer than 2 s"):
        get(serve(write), quick)


def test_silence_is_a_time_out(serve, settings):
    over = threading.Event()
    quick = msgspec.structs.replace(settings, read_timeout_seconds=0.1)
    with pytest.raises(UnreachableError, match="no answer within"):
        get(serve(lambda _handler: over.wait(60)), quick)
    over.set()


def test_a_body_that_ends_early_is_unreachable(serve, settings):
    def write(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")

    with pytest.raises(UnreachableError, match="connection failed"):
        get(serve(write), settings)


def test_a_damaged_compressed_body_is_a_bad_answer(serve, settings):
    with pytest.raises(BadAnswerError, match="compressed body is damaged"):
        get(serve(lambda h: reply(h, b"not gzip at all", Content_Encoding="gzip")), settings)


def test_nobody_there_is_unreachable_and_the_text_has_no_url(settings):
    with pytest.raises(UnreachableError, match="connection failed") as caught:
        get("http://127.0.0.1:9/path", settings, params={"api-key": "SECRET"})
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None  # the library's error holds the whole request


@pytest.mark.parametrize("key", ["SECRET\n", "SECRET-ü"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(serve, settings, key):
    with pytest.raises(KeyRefusedError) as caught:
        get(serve(reply), settings, headers={"X-Api-Key": key})
    assert "SECRET" not in str(caught.value)


def test_the_library_does_not_log_urls(serve, settings, caplog):
    caplog.set_level("DEBUG")
    get(serve(reply), settings, params={"api-key": "SECRET"})
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("-3", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("1e12", 2 * 86_400),
        ("1e400", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 2 * 86_400),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("Sun, 99 Mar 2026 99:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(answers, header, seconds):
    at = retry_at(answers(retry_after=header), NOW)
    assert at == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, RateLimitedError), (408, UnreachableError), (500, UnreachableError), (522, UnreachableError)],
)
def test_overload_means_the_same_everywhere(answers, status, error):
    with pytest.raises(error) as caught:
        raise_for_overload("reddit", answers(status=status, retry_after="9"), NOW)
    assert caught.value.retry_at == NOW + timedelta(seconds=9)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404])
def test_other_answers_are_the_sources_own_business(answers, status):
    raise_for_overload("reddit", answers(status=status), NOW)
