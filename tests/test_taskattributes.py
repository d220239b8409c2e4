"""Attributes of a task's spans are upstream's, whatever its context holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.instrumentation.celery import utils

from django_observe import taskattributes


class Recorded(dict[str, Any]):
    """Takes attributes as a span does."""

    set_attribute = dict.__setitem__

    def is_recording(self) -> bool:
        """Always."""
        return True


def _declared(kind: str) -> SimpleNamespace:
    return SimpleNamespace(exchange=SimpleNamespace(type=kind))


PLAIN = st.one_of(st.none(), st.just(""), st.integers(0, 3), st.text(max_size=3))
SPECIAL = {
    "declare": st.one_of(st.none(), st.lists(st.sampled_from(["direct", "topic", "fanout"]).map(_declared))),
    "delivery_info": st.one_of(st.none(), st.just({}), st.fixed_dictionaries({"routing_key": PLAIN})),
    "timelimit": st.one_of(
        st.none(),
        st.tuples(*[st.one_of(st.none(), st.integers(0, 9))] * 2),
        st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=2, max_size=2),
    ),
}
CONTEXTS = st.fixed_dictionaries(
    {}, optional={key: SPECIAL.get(key, PLAIN) for key in utils.CELERY_CONTEXT_ATTRIBUTES}
)


@given(CONTEXTS)
def test_attributes_are_upstreams(source: dict[str, Any]) -> None:
    theirs = Recorded()
    utils.set_attributes_from_context(theirs, source)  # type: ignore[arg-type]
    ours: dict[str, Any] = {}
    taskattributes.find(source, ours)
    assert ours == theirs
