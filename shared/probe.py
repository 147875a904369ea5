"""A container's health check: `python -m shared.probe` asks the process inside and exits 0 or 1."""

import http.client
import sys
from typing import Final

import msgspec

from shared.config import load

# What the container's own check asks, and what both services answer.
HEALTH_PATH: Final = "/health"
# What a load balancer asks instead when it replaces what fails: of the api itself, not of its database or Redis.
ALIVE_PATH: Final = "/health/alive"
# Shorter than any health check's own time-out, so that the reason is in the log and not a kill.
TIMEOUT_SECONDS: Final = 3.0


class ProbeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of a worker or scheduler the first, of an api the second."""

    health_port: int = 0
    port: int = 8000


def healthy(port: int) -> str | None:
    """Nothing when the process answers 200; else the reason in one line."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", HEALTH_PATH)
        answer = connection.getresponse()
        body = answer.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on port {port}: {error}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else f"status {answer.status}: {body}"


def main() -> int:
    settings = load(ProbeSettings)
    problem = healthy(settings.health_port or settings.port)
    if problem:
        print(problem)  # noqa: T201 - the engine keeps it beside the check's result
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
