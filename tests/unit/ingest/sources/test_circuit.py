from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ingest.sources.circuit import Circuit
from shared import keys
from shared.errors import CircuitOpenError


@pytest.fixture
def circuit(redis):
    return Circuit("guardian", redis, failures=3, seconds=60)


def fail(circuit, times=3):
    for _ in range(times):
        circuit.failed("it answered 503")


def its_time_is_over(redis):
    redis.hset(keys.circuit("guardian"), "open_until", 1)


def admitted(circuit):
    try:
        return "probe" if circuit.admit() else "call"
    except CircuitOpenError:
        return "open"


def test_it_stays_closed_below_the_threshold(circuit):
    fail(circuit, 2)
    assert admitted(circuit) == "call"


def test_failures_count_only_in_a_row(circuit):
    fail(circuit, 2)
    circuit.succeeded()
    fail(circuit, 2)
    assert admitted(circuit) == "call"


def test_it_opens_says_why_and_until_when(circuit):
    fail(circuit)
    with pytest.raises(CircuitOpenError, match="it answered 503") as caught:
        circuit.admit()
    assert timedelta(seconds=30) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_late_failure_does_not_keep_it_open_longer(redis, circuit):
    fail(circuit)
    # Not as it was set, so that setting it again would show.
    sooner = int(redis.hget(keys.circuit("guardian"), "open_until")) - 1_000
    redis.hset(keys.circuit("guardian"), "open_until", sooner)
    fail(circuit, 1)
    assert int(redis.hget(keys.circuit("guardian"), "open_until")) == sooner


def test_one_probe_over_all_callers(redis, circuit):
    fail(circuit)
    its_time_is_over(redis)
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: admitted(circuit), range(24)))
    assert (verdicts.count("probe"), verdicts.count("open")) == (1, 23)


def test_a_good_probe_closes_it(redis, circuit):
    fail(circuit)
    its_time_is_over(redis)
    circuit.admit()
    circuit.succeeded()
    assert admitted(circuit) == "call"


def test_a_bad_probe_opens_it_again_at_once(redis, circuit):
    fail(circuit)
    its_time_is_over(redis)
    circuit.admit()
    fail(circuit, 1)
    assert admitted(circuit) == "open"
    its_time_is_over(redis)
    assert admitted(circuit) == "probe"


def test_an_abandoned_probe_is_for_the_next_caller(redis, circuit):
    fail(circuit)
    its_time_is_over(redis)
    circuit.admit()
    circuit.abandon_probe()
    assert admitted(circuit) == "probe"


def test_sources_have_circuits_of_their_own(redis, circuit):
    fail(circuit)
    assert admitted(Circuit("reddit", redis, failures=3, seconds=60)) == "call"
