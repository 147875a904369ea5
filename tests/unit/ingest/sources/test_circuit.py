import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ingest.sources.circuit import Circuit
from shared.errors import CircuitOpenError


@pytest.fixture
def circuit(redis):
    return Circuit("guardian", redis, failures=3, seconds=0.1)


def fail(circuit, times=3):
    for _ in range(times):
        circuit.failed("it answered 503")


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


def test_it_opens_says_why_and_until_when(redis):
    circuit = Circuit("guardian", redis, failures=3, seconds=60)
    fail(circuit)
    with pytest.raises(CircuitOpenError, match="it answered 503") as caught:
        circuit.admit()
    assert timedelta(seconds=55) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=60)


def test_a_late_failure_does_not_keep_it_open_longer(redis):
    circuit = Circuit("guardian", redis, failures=3, seconds=0.15)
    fail(circuit)
    time.sleep(0.1)
    fail(circuit, 1)
    time.sleep(0.08)
    assert admitted(circuit) == "probe"


def test_one_probe_over_all_callers(circuit):
    fail(circuit)
    time.sleep(0.12)
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda _: admitted(circuit), range(24)))
    assert (verdicts.count("probe"), verdicts.count("open")) == (1, 23)


def test_a_good_probe_closes_it(circuit):
    fail(circuit)
    time.sleep(0.12)
    circuit.admit()
    circuit.succeeded()
    assert admitted(circuit) == "call"


def test_a_bad_probe_opens_it_again_at_once(circuit):
    fail(circuit)
    time.sleep(0.12)
    circuit.admit()
    fail(circuit, 1)
    assert admitted(circuit) == "open"
    time.sleep(0.12)
    assert admitted(circuit) == "probe"


def test_an_abandoned_probe_is_for_the_next_caller(circuit):
    fail(circuit)
    time.sleep(0.12)
    circuit.admit()
    circuit.abandon_probe()
    assert admitted(circuit) == "probe"


def test_sources_have_circuits_of_their_own(redis, circuit):
    fail(circuit)
    assert admitted(Circuit("reddit", redis, failures=3, seconds=60)) == "call"
