"""The pages a person sees: the consent form, Reddit's own error page, and its block page; no outside assets."""

from html import escape

from deploy.local.upstreams.accounts import RedditApp, RedditUser

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #eef1f4; color: #1a1a1b; }
main { max-width: 30rem; margin: 8vh auto; padding: 2rem; background: #fff; border-radius: 12px;
  box-shadow: 0 2px 12px rgb(0 0 0 / 12%); }
h1 { font-size: 1.3rem; margin-top: 0; }
fieldset { border: 0; padding: 0; margin: 1rem 0; }
legend { font-weight: 600; padding: 0; }
label { display: block; padding: .35rem 0; cursor: pointer; }
li { margin: .2rem 0; }
.note { color: #576f76; font-size: .875rem; }
.buttons { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; padding: .7rem; border-radius: 999px; border: 1px solid #0a449b; font: inherit; cursor: pointer;
  background: #fff; color: #0a449b; }
button.allow { background: #0a449b; color: #fff; }
button:focus-visible, input:focus-visible { outline: 3px solid #ffb000; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  body { background: #0e1113; color: #eef1f3; } main { background: #181c1f; }
  .note { color: #9bb0b8; } button { background: #181c1f; color: #a8c7ff; border-color: #a8c7ff; }
}
"""
SCOPE_WORDS = {
    "identity": "See your username and when you joined",
    "read": "Read posts and comments through your account",
    "history": "See your voting history and what you saved",
    "mysubreddits": "See which communities you follow",
    "save": "Save and unsave posts",
    "submit": "Submit posts and comments for you",
    "vote": "Vote for you",
    "*": "Do everything that you can do",
}


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )


def consent_page(app: RedditApp, users: list[RedditUser], fields: dict[str, str]) -> str:
    """Ask whether the app may have what it wants; the form carries the request back."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    scopes = "".join(
        f"<li>{escape(SCOPE_WORDS.get(scope, scope))} <span class=note>({escape(scope)})</span></li>"
        for scope in fields["scope"].replace(",", " ").split()
    )
    choices = "".join(
        f'<label><input type="radio" name="user" value="{escape(user.name)}"{" checked" if number == 0 else ""}>'
        f" u/{escape(user.name)}{' (suspended)' if user.suspended else ''}</label>"
        for number, user in enumerate(users)
    )
    lasting = "until you take it back" if fields.get("duration") == "permanent" else "for one day"
    return _page(
        f"{app.name} wants access - simulated Reddit",
        f'<p class="note">Simulated Reddit: nothing leaves this machine.</p>'
        f"<h1>{escape(app.name)} would like to connect with your Reddit account</h1>"
        f"<p>If you allow it, this app can, {lasting}:</p><ul>{scopes}</ul>"
        f'<form method="post" action="">{hidden}'
        f"<fieldset><legend>Continue as</legend>{choices}</fieldset>"
        f'<div class="buttons"><button class="allow" name="authorize" value="Allow">Allow</button>'
        f'<button name="authorize" value="Decline">Decline</button></div></form>',
    )


def error_page(reason: str) -> str:
    """Reddit's own 400 page, shown instead of a redirect to an address it does not trust."""
    return _page(
        "bad request (simulated Reddit)",
        f"<h1>bad request (reddit.com)</h1><p>you sent an invalid request</p><p>- {escape(reason)}</p>",
    )


def blocked_page() -> str:
    """What a caller without a proper User-Agent or without a token gets."""
    return _page(
        "Blocked",
        "<h1>You've been blocked by network security.</h1>"
        "<p>To continue, log in to your Reddit account or use your developer token.</p>",
    )


def too_many_requests_page() -> str:
    """The HTML that comes with a 429 from the API."""
    return _page(
        "Too Many Requests",
        "<h1>whoa there, pardner!</h1><p>we're sorry, but you appear to be a bot and we've seen too many requests "
        "from you lately. please wait a little and try again.</p>",
    )
