"""docs/reference/spans.md says what a program sends."""

from __future__ import annotations

from tests.docs import spanpage


def test_the_page_of_spans_is_up_to_date() -> None:
    assert spanpage.PAGE.read_text() == spanpage.page(spanpage.spans()), "run `make docs`"
