"""Query strings: names are told, and values of what the project lists, unless they could hold a secret."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_observe.querytext import scrub_queries, scrub_query
from tests.growth import is_linear

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("page=2&sort=-name&other=c4", "page=2&sort=-name&other=[redacted]"),
        ("sort=", "sort="),
        ("page=2%2C3", "page=2%2C3"),
        ("token=c4&session_page=c4", "token=[redacted]&session_page=[redacted]"),
        ("page=https%3A%2F%2Fada%3Apw%40h", "page=[redacted]"),
        ("page=%3Ftoken%3Dc4", "page=[redacted]"),
        ("page=Bearer+c4c4c4", "page=[redacted]"),
        (f"page={TOKEN}", "page=[redacted]"),
        ("page=4242+4242+4242+4242", "page=[redacted]"),
        ("page=AB-12345", "page=[redacted]"),
        ("page", "[redacted]"),
        ("p%61ge=2", "[redacted]=[redacted]"),
    ],
)
@override_settings(
    DJANGO_OBSERVE={
        "QUERY_PARAMETERS": ["page", "s*", "*_page", "token"],
        "SCRUB_PATTERNS": [r"\bAB-[0-9]{5}\b"],
    }
)
def test_listed_values_are_told_unless_they_could_hold_a_secret(query: str, told: str) -> None:
    assert scrub_query(query) == told
    assert scrub_queries(f"GET /orders/?{query} failed") == f"GET /orders/?{told} failed"


def test_without_a_list_no_value_is_told() -> None:
    assert scrub_query("page=2&sort=name") == "page=[redacted]&sort=[redacted]"


@pytest.mark.parametrize("piece", [",?a", " ?a", "(?a)", "/?a", "x?a"])
def test_no_text_takes_long(piece: str) -> None:
    assert is_linear(lambda size: scrub_queries((piece * size)[:size]), 32_768)


@pytest.mark.parametrize("before", [*" \t\n\"'<([{=,;", "\xa0", "see https://h", "/a" * 200])
def test_a_query_is_found_behind_whatever_stands_before_its_path(before: str) -> None:
    assert scrub_queries(f"a{before}/x?c4n4ry") == f"a{before}/x?[redacted]"
