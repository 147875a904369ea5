"""The OpenAPI document keeps its promises: generated requests, good and bad, get the answers that it describes."""

import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.app import create_app
from shared.config import ApiSettings
from tests.factories import UNLIMITED, Archive

EXAMPLES = 40  # of each operation and kind: about a minute in all
# An address may be too long before anybody looks at what is wrong with it (414); none may be our failure.
REFUSED = SchemathesisConfig.from_dict(
    {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}
)
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
CASES = [
    ("/articles", GOOD),
    ("/articles", BAD),
    ("/articles/{article_id}", GOOD),
    ("/articles/{article_id}", BAD),
    ("/articles/{article_id}/sentiment", GOOD),
    ("/articles/{article_id}/sentiment", BAD),
    ("/articles/{article_id}/similar", GOOD),
    ("/articles/{article_id}/similar", BAD),
    ("/articles/sentiment/trends", GOOD),
    ("/articles/sentiment/trends", BAD),
    ("/articles/sentiment/summary", GOOD),
    ("/articles/sentiment/summary", BAD),
    ("/stories/{story_id}", GOOD),
    ("/stories/{story_id}", BAD),
    ("/searches/trending", GOOD),
    ("/searches/trending", BAD),
    ("/searches/related", GOOD),
    ("/searches/related", BAD),
    ("/sources/{name}", GOOD),
    ("/sources/{name}", BAD),
    ("/cache/stats", GOOD),
    ("/sources", GOOD),  # without parameters there is nothing that could be bad
    ("/health", GOOD),
]


@pytest.fixture
def document(database, redis_url):
    with psycopg.connect(database.worker, autocommit=True) as worker:
        for number in range(3):
            Archive(worker).article(f"Storm {number}")
    configured = ApiSettings(
        database_url=database.api, redis_url=redis_url, log_level="error", cold_wait_seconds=0.0, **UNLIMITED
    )
    return schemathesis.openapi.from_asgi("/docs/openapi.json", create_app(configured), config=REFUSED)


@pytest.mark.parametrize(("address", "mode"), CASES)
def test_answers_are_as_the_document_says(document, address, mode):
    operation = document[address]["GET"]

    # The same cases in each run of the same code.
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        # A name with a comma in it is two names, which no schema of a list can say.
        assume(mode is GOOD or "," not in repr(case.query))
        # A schema cannot say what a query, a cursor or two dates together must be: these are refused with a 400.
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance])
        if answer.headers["content-type"] == ["application/problem+json"]:
            told = operation.definition.raw["responses"][str(answer.status_code)]["content"]
            assert answer.json()["code"] in told["application/problem+json"]["examples"]

    check()
