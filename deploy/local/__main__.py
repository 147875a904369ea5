"""The command line: makes the environment, then does what was asked inside it."""

import argparse
import sys
from pathlib import Path

from deploy.local import environment

DEFAULT_PORT = 8000


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="python3 -m deploy.local", description=__doc__)
    commands = root.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="run the whole product; Ctrl-C stops it")
    up.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the API (default: %(default)s)")
    up.add_argument("--data-dir", type=Path, default=environment.REPOSITORY / ".data", help="default: .data")
    up.add_argument(
        "--payloads", type=Path, metavar="DIR", help="the simulator serves these captured articles"
    )
    up.add_argument("--keep-dates", action="store_true", help="captured articles keep their dates")
    up.add_argument("--workers", type=int, default=1, metavar="N", help="bulk worker processes (default: 1)")

    newsintel = commands.add_parser("newsintel", help="the operators' command line, on what `up` runs")
    newsintel.add_argument(
        "--data-dir", type=Path, default=environment.REPOSITORY / ".data", help="of that `up`"
    )
    newsintel.add_argument("operation", nargs=argparse.REMAINDER, help="for example: backfill plan")

    test = commands.add_parser("test", help="every check; with pytest arguments only those tests")
    test.add_argument("--campaigns", action="store_true", help="also the long runs: kills, faults, big data")

    bench = commands.add_parser("bench", help="measure, beside a baseline in the same run")
    bench.add_argument("name", help="a benchmark in tests/bench, for example: ingest")

    commands.add_parser("lock", help="pin the dependencies of pyproject.toml again, by version and hash")
    commands.add_parser("images", help="build both images and boot them, with docker or podman")
    return root


def main() -> int:
    # What a sub-command does not know belongs to pytest or to the benchmark.
    arguments, rest = parser().parse_known_args()
    if rest and arguments.command not in ("test", "bench"):
        parser().error(f"unknown argument: {rest[0]}")
    try:
        environment.ensure("local" if arguments.command in ("up", "newsintel") else "test")
    except environment.SetupError as error:
        print(f"deploy.local: {error}", file=sys.stderr)
        return 2
    if not environment.is_active():
        environment.reexec(sys.argv[1:])
    return _dispatch(arguments, rest)


def _dispatch(arguments: argparse.Namespace, rest: list[str]) -> int:
    # Imported late: before this point the dependencies may not be there.
    if arguments.command == "up":
        from deploy.local import up  # noqa: PLC0415

        return up.main(arguments)
    if arguments.command == "newsintel":
        from deploy.local import operate  # noqa: PLC0415

        return operate.main(arguments.data_dir, arguments.operation)
    if arguments.command == "lock":
        from deploy.local import lock  # noqa: PLC0415

        return lock.main()
    if arguments.command == "images":
        from deploy.local import images  # noqa: PLC0415

        return images.main()
    from deploy.local import checks  # noqa: PLC0415

    if arguments.command == "bench":
        return checks.bench(arguments.name, rest)
    return checks.test(rest, campaigns=arguments.campaigns)


if __name__ == "__main__":
    sys.exit(main())
