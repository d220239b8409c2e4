"""The runbook, docs/runbook.md, by its sections: one for each alert."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

RUNBOOK: Final = Path(__file__).parents[1] / "docs" / "runbook.md"
_HEADING: Final = re.compile(r"^## (\w+)$", re.MULTILINE)


@lru_cache(maxsize=1)
def sections() -> dict[str, str]:
    """Each alert's section in Markdown, without its heading."""
    _, *parts = _HEADING.split(RUNBOOK.read_text())
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))


def panel_id(alert: str) -> int:
    """The number of the alert's panel on the dashboard Runbook; ValueError when it has no section."""
    return list(sections()).index(alert) + 1
