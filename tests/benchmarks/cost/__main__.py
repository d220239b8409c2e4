"""What telemetry costs: `make bench`, or one cell: `... --quick --only ours --views json`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from tests.benchmarks.cost import report, table, windows
from tests.benchmarks.cost.callers import CALLS
from tests.benchmarks.cost.configurations import CONFIGURATIONS
from tests.faults.page import with_block
from tests.tables import ROOT

PAGE = ROOT / "docs/explanation/cost.md"
QUICK = ("bare", "hand", "ours", "ours-notraces")
QUICK_VIEWS = ("json", "orm", "task")
PARTS = ("publish",)
"""Of a task; for the configurations of the quick run only."""


def counts_of(names: list[str], views: list[str]) -> table.Counts:
    """As many configurations at once as there are cores: instructions do not depend on it."""

    def counted(name: str) -> dict[str, float]:
        started = monotonic()
        own = [view for view in views if view not in PARTS or name in QUICK]
        found = windows.counted(name, own)
        told = ", ".join(f"{view} {each / 1_000:.0f}k" for view, each in found.items())
        sys.stderr.write(f"{name}: {told} ({monotonic() - started:.0f} s)\n")
        return found

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(counted, names), strict=True))


def main() -> int:
    """Measures, prints, and writes where it is told to."""
    given = _given()
    whole = not (given.quick or given.only or given.views)
    names = given.only or list(QUICK if given.quick else CONFIGURATIONS)
    views = given.views or list(QUICK_VIEWS if given.quick else CALLS)
    reason = windows.missing()
    found: dict[str, object] = {}
    if reason:
        sys.stderr.write(f"{reason}: CPU time only\n")
    else:
        found["instructions"] = counts_of(names, views)
    if whole or reason:
        found |= report.measured(names, [view for view in views if view not in PARTS], whole=whole)
    told = report.told(found, reason)
    sys.stdout.write(f"{told}\n")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    if given.write:
        PAGE.write_text(with_block(PAGE.read_text(), "run", told))
    return 0


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="instructions only, of few configurations and views"
    )
    parser.add_argument("--only", nargs="+", choices=CONFIGURATIONS, metavar="CONFIGURATION")
    parser.add_argument("--views", nargs="+", choices=CALLS, metavar="VIEW")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
