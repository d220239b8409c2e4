"""The page on privacy says what the code masks: its examples are run, its lists are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from django_observe import patterns, secretnames
from django_observe.redaction import scrub_text

PAGE = (Path(__file__).resolve().parents[1] / "docs/explanation/privacy.md").read_text()
EXAMPLES = [
    (told[-2], told[-1])
    for line in PAGE.splitlines()
    if line.startswith("| ") and (told := re.findall(r"`([^`]+)`", line)) and line.count("`") == 4
]
LISTS = {
    "contains": secretnames.ANYWHERE,
    "is, or has as its last word": secretnames.LAST,
    "is in UPPER_CASE": secretnames.SETTING,
    "but it stays": secretnames.ABOUT,
}


@pytest.mark.parametrize(("text", "told"), EXAMPLES)
def test_each_example_is_told_as_the_page_says(text: str, told: str) -> None:
    assert scrub_text(text) == told


def test_there_are_examples_of_both_tables() -> None:
    assert len(EXAMPLES) == 15


@pytest.mark.parametrize("start", LISTS)
def test_the_names_are_those_of_the_code(start: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    assert set(re.findall(r"`([^`]+)`", row)) == set(LISTS[start])


@pytest.mark.parametrize("issuer", patterns.TOKENS)
def test_each_issuer_of_tokens_is_named(issuer: str) -> None:
    assert issuer in PAGE.replace("\n", " ")
