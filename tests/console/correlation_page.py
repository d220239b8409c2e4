"""Reads the page of a correlation ID."""

from __future__ import annotations

import html
import re

from tests.console.running import Console


def page(console: Console, correlation_id: str, query: str = "") -> str:
    """Its text, with character references resolved."""
    answer = console.get(f"/c/{correlation_id}{query}")
    assert answer.status == 200
    return html.unescape(answer.text)


def steps(text: str) -> list[list[str]]:
    """The cells of the table of steps."""
    body = text[text.index('class="steps"') :].partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [
        [
            " ".join(re.sub(r"<[^<>]+>", " ", cell).split())
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for row in rows
    ]
