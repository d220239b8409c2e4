"""IDs of messages leave as spans have them: the short way of a UUID tells what the long one would."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from django_observe import otlpwire, spanfields, spantext

KEY = "messaging.message.id"


def _sent(value: str) -> bytes:
    return spanfields._of_message(KEY, value, {}, None)  # type: ignore[arg-type]


def _cleaned(value: str) -> bytes:
    return otlpwire.tag(9) + otlpwire.pair(otlpwire.key(KEY), spantext.cleaned(KEY, value))


@given(st.one_of(st.uuids().map(str), st.text("0123456789-", min_size=36, max_size=36), st.text()))
def test_an_id_is_told_as_any_text_would_be(value: str) -> None:
    assert _sent(value) == _cleaned(value)


@given(st.integers(0, 10**32 - 1))
def test_digits_alone_are_no_cards_number_in_a_uuid(number: int) -> None:
    value = str(UUID(hex=f"{number:032d}"))
    assert spantext.cleaned(KEY, value) == value
    assert _sent(value) == _cleaned(value)


@pytest.mark.parametrize("given", [{"SCRUB_PATTERNS": ["[0-9a-f]{12}"]}, {"SCRUB_KEYS": ["message"]}])
def test_what_a_project_masks_is_masked_in_ids_too(given: dict[str, list[str]]) -> None:
    value = str(uuid4())
    assert value.encode() in _sent(value)
    with override_settings(DJANGO_OBSERVE=given):
        assert value.encode() not in _sent(value)
        assert _sent(value) == _cleaned(value)
