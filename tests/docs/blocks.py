"""The blocks of the Markdown pages, those in lists and in other blocks included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@dataclass(frozen=True)
class Block:
    """What stands between two fences; `line` is that of the first, `language` the word behind it.

    One that is indented, and has no fences, has no word either.
    """

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line} {self.language}"


def of_page(page: Path) -> Iterator[Block]:
    """Every block of a page, in order."""
    return _of_text(page, page.read_text(), 0)


def _of_text(page: Path, text: str, above: int) -> Iterator[Block]:
    for token in MarkdownIt().parse(text):
        if token.type == "fence" and token.map:
            line, language = above + token.map[0] + 1, (token.info.split() or [""])[0]
            if language.startswith("{"):  # one of MyST's own, such as {note}: Markdown within
                yield from _of_text(page, token.content, line)
            else:
                yield Block(page, line, language, token.content)
        elif token.type == "code_block" and token.map:
            yield Block(page, above + token.map[0] + 1, "", token.content)


ALL = [block for page in PAGES for block in of_page(page)]
