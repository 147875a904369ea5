"""The document is complete: every operation says what can come back, with which headers, and shows it."""

import re
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from api.app import create_app
from api.carry import _REFUSED
from api.errors import REFUSALS, ROWS, Problem
from shared.config import ApiSettings

DOCUMENT = create_app(
    ApiSettings(database_url="postgresql://nobody@nowhere/x", redis_url="redis://nowhere", log_level="error")
).openapi_schema.to_schema()
OPERATIONS = {
    f"{method.upper()} {address}": operation
    for address, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
KEPT = [name for name, operation in OPERATIONS.items() if "304" in operation["responses"]]
FREE = ["GET /health"]


def names(operation):
    return {each["name"] for each in operation["parameters"]}


def resolved(shown):
    """An example, or the one in the components that it refers to."""
    return DOCUMENT["components"]["examples"][shown["$ref"].rpartition("/")[2]] if "$ref" in shown else shown


def codes(name):
    """What an operation can end in, as the document says."""
    return {
        code
        for _, media_type, content in contents(OPERATIONS[name])
        if media_type == "application/problem+json"
        for code in content["examples"]
    }


def contents(operation):
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_shows_an_answer_and_its_errors(name):
    for status, media_type, content in contents(OPERATIONS[name]):
        examples = [resolved(each)["value"] for each in content.get("examples", {}).values()]
        assert examples, (status, media_type)
        # The references of a schema lead into the document.
        validator = jsonschema_rs.Draft202012Validator(
            {**content["schema"], "components": DOCUMENT["components"]}
        )
        for example in examples:
            validator.validate(example)
            if media_type == "application/problem+json":
                assert msgspec.convert(example, Problem).status == int(status)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_parameter_shows_a_value_that_it_takes(name):
    for parameter in OPERATIONS[name]["parameters"]:
        schema = parameter["schema"]
        # What the page fills in by itself is what must be sent, and nothing that narrows the answer.
        shown = [each["value"] for each in parameter.get("examples", {}).values()]
        assert bool(shown) == parameter.get("required", False), parameter["name"]
        for example in shown or schema["examples"]:
            jsonschema_rs.Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_can_happen_to_any_request_is_told(name):
    responses = OPERATIONS[name]["responses"]
    assert {"413", "431", "500"} <= set(responses)
    assert name in FREE or {"400", "401", "429", "503"} <= set(responses)
    assert ("requestBody" in OPERATIONS[name]) == ("415" in responses)
    for status, response in responses.items():
        headers = set(response["headers"])
        assert "X-Request-ID" in headers
        assert ("RateLimit" in headers) == ("RateLimit-Policy" in headers) == (name not in FREE)
        assert "Retry-After" in headers or status not in {"202", "429", "503"} or name in FREE
        assert "Location" in headers or status not in {"202", "303", "308"}


@pytest.mark.parametrize("name", KEPT)
def test_what_has_an_entity_tag_can_be_asked_for_again(name):
    operation = OPERATIONS[name]
    assert "If-None-Match" in names(operation)
    assert all("ETag" in operation["responses"][status]["headers"] for status in ("200", "304"))


def test_public_reads_tell_how_they_were_had():
    kept = {
        name
        for name, each in OPERATIONS.items()
        if "Cache-Status" in each["responses"].get("200", {}).get("headers", {})
    }
    assert {"GET /articles", "GET /stories/{story_id}", "GET /searches/trending"} <= kept
    assert "Link" in OPERATIONS["GET /articles"]["responses"]["200"]["headers"]
    assert "GET /health" not in KEPT
    assert "GET /me/keys" in KEPT


def test_the_example_of_a_list_shows_an_article():
    content = OPERATIONS["GET /articles"]["responses"]["200"]["content"]["application/json"]
    [example] = content["examples"].values()
    assert example["value"]["articles"][0]["source_name"] == "The Guardian"


def test_the_other_forms_of_a_list_show_the_same_article():
    forms = OPERATIONS["GET /articles"]["responses"]["200"]["content"]
    assert len(forms) == 6
    for content in forms.values():
        [example] = content["examples"].values()
        assert "Storm reaches the coast" in str(example["value"])
    feed = forms["application/feed+json"]["schema"]
    assert {"version", "title", "items"} <= set(feed["required"])
    assert "content_text" in feed["properties"]["items"]["items"]["properties"]


def test_every_error_has_an_example_and_an_operation_that_ends_in_it():
    shown = DOCUMENT["components"]["examples"]
    assert (
        set(shown)
        == set(ROWS)
        == set(DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])
    )
    for code, example in shown.items():
        assert (example["value"]["code"], example["value"]["status"]) == (code, ROWS[code].status)
    nowhere = {code for code, row in ROWS.items() if row.where == "none"}
    assert set().union(*map(codes, OPERATIONS)) == set(ROWS) - nowhere


def test_every_refusal_has_a_row_and_every_row_is_used():
    sources = "".join(path.read_text() for path in Path("api").rglob("*.py"))
    raised = set(re.findall(r'Refusal\(\s*"(\w+)"', sources)) | {ours for ours, _ in _REFUSED.values()}
    assert raised | {"write_failed"} == set(REFUSALS)


def test_a_malformed_query_shows_where_and_what_would_be_right():
    example = DOCUMENT["components"]["examples"]["query_syntax"]["value"]
    assert (example["position"], example["suggestion"]) == (6, "storm")
    assert {"query_syntax", "query_only_common_words", "cursor_malformed"} <= codes("GET /articles")


def test_what_is_not_possible_at_the_moment_fits_the_operation():
    database = {"query_too_slow", "overloaded", "database_unavailable"}
    unavailable = OPERATIONS["GET /articles"]["responses"]["503"]["content"]["application/problem+json"]
    assert set(unavailable["examples"]) == database
    unavailable = OPERATIONS["POST /me/saved"]["responses"]["503"]["content"]["application/problem+json"]
    assert set(unavailable["examples"]) == {*database, "writes_unavailable"}
    assert "sign_in_unavailable" in codes("GET /auth/reddit/login")
    assert "writes_unavailable" not in codes("GET /me")


def test_a_preference_that_is_obeyed_is_confirmed():
    assert "Preference-Applied" in OPERATIONS["GET /articles"]["responses"]["200"]["headers"]
    assert "Preference-Applied" in DOCUMENT["components"]["headers"]
    assert "Preference-Applied" not in OPERATIONS["GET /stories/{story_id}"]["responses"]["200"]["headers"]


def test_no_form_that_fits_is_not_about_json_alone():
    assert "JSON" not in OPERATIONS["GET /articles"]["responses"]["406"]["description"]
