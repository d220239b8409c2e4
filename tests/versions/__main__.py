"""`python -m tests.versions wheel bare lowest highest matrix`: each in a fresh environment, then a table."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from tests.versions.distribution import build
from tests.versions.run import FOLDER, Outcome, run
from tests.versions.sessions import NAMED, Session, matrix


def main() -> int:
    """The exit status: 0 if every session that could run here passed."""
    asked = _parser().parse_args()
    sessions = list(_sessions(asked))
    if not sessions:
        sys.exit("Django does not support that Python: see SUPPORTED in tests/versions/sessions.py")
    distribution = build(FOLDER / "dist")
    outcomes = []
    for session in sessions:
        outcomes.append(run(session, distribution, asked.workers, asked.minutes))
        print(_row(outcomes[-1]), flush=True)  # noqa: T201
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("sessions", nargs="+", choices=[*NAMED, "matrix"])
    parser.add_argument("--python", action="append", default=[], help="of the matrix only this, as 3.12")
    parser.add_argument("--django", action="append", default=[], help="of the matrix only this, as 5.2")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="test processes at once")
    parser.add_argument("--minutes", type=float, default=15, help="the bound of one session's tests")
    return parser


def _sessions(asked: argparse.Namespace) -> Iterator[Session]:
    for name in asked.sessions:
        if name == "matrix":
            yield from matrix(frozenset(asked.python), frozenset(asked.django))
        else:
            yield NAMED[name]


def _row(outcome: Outcome) -> str:
    verdict = "ok" if outcome.passed else "FAILED"
    return f"{outcome.session.name:<20} {verdict:<7} {outcome.says} ({outcome.seconds:.0f} s)"


if __name__ == "__main__":
    raise SystemExit(main())
