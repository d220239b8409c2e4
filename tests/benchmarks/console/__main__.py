"""Measures the console, prints the table; `--write` puts it into docs/explanation/console.md."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

from tests.benchmarks.console import measured
from tests.benchmarks.console.measured import Number
from tests.faults.page import with_block
from tests.tables import ROOT, grid

PAGE = ROOT / "docs/explanation/console.md"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


def table(numbers: list[Number]) -> str:
    """In Markdown, with when and where it was measured."""
    rows = [(one.what, one.bound, one.measured if one.kept else f"**{one.measured}**") for one in numbers]
    when = datetime.now(timezone.utc).date()
    where = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores"
    return f"{when}, {where}, load {os.getloadavg()[0]:.1f}.\n\n{grid(('What', 'Bound', 'Measured'), rows)}"


def main() -> int:
    """0 when every bound was kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=int, default=5000, help="spans a second (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=60, help="of that load (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="of the short ones (default: %(default)s)")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    numbers = [measured.listening(given.rounds)]
    if CHROMIUM.exists():
        numbers.append(measured.first_span(given.rounds, CHROMIUM))
    numbers += measured.large_trace(given.rounds)
    numbers.append(measured.idle_memory())
    with tempfile.TemporaryDirectory(prefix="observe-bench-") as folder:
        database = Path(folder, "console.db")
        numbers += measured.ingest(database, given.rate, given.seconds).numbers
        numbers.append(measured.idle_memory(database))
    told = table(numbers)
    sys.stdout.write(f"{told}\n")
    if given.write:
        PAGE.write_text(with_block(PAGE.read_text(), "numbers", told))
    return 0 if all(one.kept for one in numbers) else 1


if __name__ == "__main__":
    sys.exit(main())
