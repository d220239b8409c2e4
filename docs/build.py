"""Writes the reference pages from the code; with --check it only says which have drifted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from docs.pages.alerts import alerts
from docs.pages.commands import commands
from docs.pages.decisions import decisions
from docs.pages.headers import headers
from docs.pages.logfields import log_fields
from docs.pages.package import metrics, settings
from docs.pages.python import python
from docs.pages.systemchecks import system_checks

DOCS = Path(__file__).parent
PAGES: dict[str, Callable[[], str]] = {
    "adr/README.md": decisions,
    "reference/alerts.md": alerts,
    "reference/checks.md": system_checks,
    "reference/commands.md": commands,
    "reference/headers.md": headers,
    "reference/log-fields.md": log_fields,
    "reference/metrics.md": metrics,
    "reference/python.md": python,
    "reference/settings.md": settings,
}


def drifted() -> list[str]:
    """The pages that do not say what the code says."""
    files = {name: DOCS / name for name in PAGES}
    return [name for name, file in files.items() if not file.exists() or file.read_text() != PAGES[name]()]


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(f"out of date, run `make docs`: {', '.join(drifted())}" if drifted() else 0)
    for name, build in PAGES.items():
        (DOCS / name).write_text(build())
