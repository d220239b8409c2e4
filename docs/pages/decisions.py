"""The page that lists the decisions."""

from __future__ import annotations

from pathlib import Path

from docs.pages.table import page, table

FOLDER = Path(__file__).parents[1] / "adr"


def decisions() -> str:
    """Every decision, by number."""
    pages = sorted(FOLDER.glob("[0-9]*.md"))
    titles = (page.read_text().partition("\n")[0].lstrip("# ").partition(". ") for page in pages)
    rows = [
        (number, f"[{title}]({page.name})") for page, (number, _, title) in zip(pages, titles, strict=True)
    ]
    return page(
        "Decisions",
        "One page each: what was weighed, what was chosen, what follows.",
        table(("Number", "Decision"), rows),
    )
