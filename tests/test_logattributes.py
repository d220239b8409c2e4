"""The attributes of a log record, within what stores accept."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_observe import logattributes, logencoding
from django_observe.json import TRUNCATED

LOKI_BYTES = 65_536
LOKI_ENTRIES = 128


def entries(value: Any) -> int:
    return sum(entries(item) for item in value.values()) if isinstance(value, dict) else 1


@pytest.mark.parametrize("name", ["日本", "", "!!!", "_"])
def test_a_name_without_a_letter_or_digit_gets_some(name: str) -> None:
    assert logattributes.fitted({name: 1, "plain": 2}) == {f"extra_{name}": 1, "plain": 2}


def test_few_nested_values_stay_and_many_become_text() -> None:
    few = {"cart": {"sku": "TEA", "price": {"cents": 1}}}
    assert logattributes.fitted(few) == few
    many = {str(number): {str(inner): inner for inner in range(30)} for number in range(30)}
    assert logattributes.fitted({"n": 1, "payload": many}) == {"n": 1, "payload": orjson.dumps(many).decode()}


def test_sixty_long_texts_fit_and_say_what_is_missing() -> None:
    long = {f"field{number}": "🐍" * 4_000 for number in range(60)}
    short = logattributes.fitted({"order_id": "o-1", **long})
    assert short["order_id"] == "o-1"
    assert len(orjson.dumps(short)) <= logattributes.MAX_BYTES
    assert short[TRUNCATED] + len(short) - 1 == 61


def test_a_long_stack_in_any_alphabet_is_cut_not_lost() -> None:
    line = (1.0, 40, {"message": "no", "stack": "例外" * 16_384, "order_id": "o-1"})
    encoded = logencoding.encode([line])
    assert len(encoded) < LOKI_BYTES
    assert "例外".encode() in encoded
    assert b"o-1" in encoded


def test_a_lone_surrogate_in_a_name_that_a_message_brought_costs_one_character() -> None:
    encoded = logencoding.encode([(1.0, 30, {"message": "ta\ud800sk", "queue": "a\udfffb", "level": "INFO"})])
    assert b"ta?sk" in encoded
    assert b"a?b" in encoded


VALUES = st.recursive(
    st.text() | st.integers(-(2**63), 2**63 - 1) | st.booleans(),
    lambda inner: st.dictionaries(st.text(), inner, max_size=12),
    max_leaves=100,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(), VALUES, max_size=20))
def test_whatever_the_fields_are_a_store_takes_them(fields: dict[str, Any]) -> None:
    short = logattributes.fitted(fields)
    assert len(orjson.dumps(short)) <= logattributes.MAX_BYTES
    assert entries(short) <= 60 + logattributes.MAX_NESTED + 1 < LOKI_ENTRIES
    assert all(any(character.isascii() and character.isalnum() for character in name) for name in short)
