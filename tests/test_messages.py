"""Messages of any broker: what goes into them, and what their consumer goes on under."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from opentelemetry import propagate, trace
from opentelemetry.context import get_current
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from django_observe import continued, correlated, correlation_id, outgoing, reporting
from django_observe.messages import MAX_VALUE
from django_observe.propagators import CorrelationPropagator
from django_observe.testing import Captured
from django_observe.workspan import Work

ROOT = Path(__file__).parent.parent
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"
Pairs = list[tuple[str, bytes]]


@contextmanager
def span(name: str) -> Iterator[trace.Span]:
    with trace.get_tracer("tests").start_as_current_span(name) as started:
        yield started


def named(carrier: object) -> str:
    """A test's id, which is the same in every process (pytest-xdist compares them)."""
    return repr(carrier).partition(" at 0x")[0][:40]


def current_ids() -> tuple[str, str]:
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def test_a_message_carries_the_id_and_the_trace(captured: Captured) -> None:
    with correlated("order-0001"), span("publish"):
        trace_id, span_id = current_ids()
        carrier = outgoing()
    assert sorted(carrier) == ["traceparent", "x-correlation-id"]
    assert carrier["x-correlation-id"] == "order-0001"
    assert carrier["traceparent"].startswith(f"00-{trace_id}-{span_id}-")


def test_the_id_goes_out_under_the_projects_own_name() -> None:
    with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": "X-Shop-ID"}), correlated("order-0001"):
        assert outgoing() == {"x-shop-id": "order-0001"}
        with continued({"X-SHOP-ID": "order-0002"}) as identifier:
            assert identifier == "order-0002"


class Broken(CompositePropagator):
    """A project's own propagator, with a fault."""

    def inject(self, *_: Any, **more: Any) -> None:
        raise RuntimeError("no carrier for me")


def test_a_propagator_that_raises_costs_the_message_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", Broken([]))
    with correlated("order-0001"):
        assert outgoing() == {"x-correlation-id": "order-0001"}


class Strict(CompositePropagator):
    """A project's own propagator, which refuses what it does not know."""

    def extract(self, *_: Any, **more: Any) -> Any:
        raise ValueError("malformed")


def test_a_propagator_that_raises_costs_the_consumer_nothing_of_the_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    carrier = {"x-correlation-id": "order-0001", "traceparent": TRACEPARENT}
    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", Strict([CorrelationPropagator()]))
    with continued(carrier, "process orders") as identifier:
        assert identifier == correlation_id() == "order-0001"


class Stubborn(SpanProcessor):
    """A project's own span processor, with a fault."""

    def on_end(self, span: ReadableSpan) -> None:
        raise RuntimeError("not at the end")


def test_a_span_processor_that_raises_costs_the_consumer_nothing(captured: Captured) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Stubborn())
    before = reporting.failures().get("workspan", 0)
    with Work(None, get_current(), provider.get_tracer("tests").start_span("process orders")):
        pass
    assert reporting.failures()["workspan"] == before + 1


def test_a_message_from_nowhere_begins_an_id() -> None:
    first, second = outgoing(), outgoing()
    assert len(first["x-correlation-id"]) == 32
    assert first != second


def test_a_message_from_a_span_alone_has_the_traces_id(captured: Captured) -> None:
    with span("publish"):
        assert outgoing()["x-correlation-id"] == current_ids()[0]


@pytest.mark.parametrize(
    "carrier",
    [
        {"x-correlation-id": "order-0001"},
        {"X-Correlation-ID": "order-0001", "other": 1},
        {"X-REQUEST-ID": "order-0001"},
        {b"event": b"order_created", b"x-correlation-id": b"order-0001"},
        [("event", b"order_created"), ("x-correlation-id", b"order-0001")],
        (("x-correlation-id", bytearray(b"order-0001")),),
        [["x-correlation-id", "order-0001"], ["x-correlation-id", "order-0002"]],
        iter([("x-correlation-id", b"order-0001")]),
        [7, None, ("alone",), ("x-correlation-id", None), ("x-correlation-id", b"order-0001")],
        {"x-correlation-id": "malformed!", "x-request-id": "order-0001"},
    ],
    ids=named,
)
def test_what_clients_hand_over_is_read(carrier: Any) -> None:
    with continued(carrier) as identifier:
        assert identifier == correlation_id() == "order-0001"
    assert correlation_id() is None


class Hostile(Mapping[str, str]):
    """Headers that only look like it."""

    def __getitem__(self, name: str) -> str:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "carrier",
    [
        None,
        {},
        [],
        7,
        "x-correlation-id",
        b"x-correlation-id",
        object(),
        Hostile(),
        [("x-correlation-id",)],
        {"x-correlation-id": 12_345_678},
        {"x-correlation-id": None},
        {"x-correlation-id": ["order-0001"]},
        {"x-correlation-id": "x" * 1_000_000},
        {"x-correlation-id": b"\xff\xfe" * 8},
        {"x-correlation-id": "order-0001\r\nSet-Cookie: a=b"},
        {"x-correlation-id": "\ud800rder-0001"},
        {"traceparent": b"\xff" * 55},
        {"traceparent": "x" * (MAX_VALUE + 1), "tracestate": "=" * MAX_VALUE},
        {"traceparent": TRACEPARENT.encode("utf-16")},
        {b"\xff": b"\xff", None: None, ("a",): ()},
    ],
    ids=named,
)
def test_what_is_none_of_it_gets_a_new_id(carrier: Any) -> None:
    with continued(carrier) as identifier:
        assert identifier == correlation_id()
        assert len(identifier) == 32
        assert not trace.get_current_span().get_span_context().is_valid
    assert correlation_id() is None


def test_a_consumers_span_is_the_producers_child(captured: Captured) -> None:
    message = {b"traceparent": TRACEPARENT.encode(), b"x-correlation-id": b"order-0001"}
    with continued(message, "process orders", attributes={"messaging.system": "redis"}), span("work"):
        pass
    work, consumer = captured.spans
    assert (consumer.name, consumer.kind) == ("process orders", SpanKind.CONSUMER)
    assert consumer.context is not None
    assert consumer.parent is not None
    assert f"{consumer.context.trace_id:032x}" == TRACE
    assert f"{consumer.parent.span_id:016x}" == PARENT
    assert work.parent is not None
    assert work.parent.span_id == consumer.context.span_id
    assert dict(consumer.attributes or {}) == {"messaging.system": "redis", "correlation_id": "order-0001"}
    assert (work.attributes or {})["correlation_id"] == "order-0001"


def test_a_linked_consumer_has_a_trace_of_its_own(captured: Captured) -> None:
    with continued({"traceparent": TRACEPARENT}, "process orders", link=True) as identifier:
        pass
    [consumer] = captured.spans
    assert consumer.context is not None
    assert consumer.parent is None
    assert identifier == f"{consumer.context.trace_id:032x}" != TRACE
    assert [f"{link.context.span_id:016x}" for link in consumer.links] == [PARENT]


def test_without_a_name_the_producers_trace_goes_on(captured: Captured) -> None:
    with continued({"traceparent": TRACEPARENT}), span("work"):
        pass
    [work] = captured.spans
    assert work.parent is not None
    assert f"{work.parent.span_id:016x}" == PARENT


@pytest.mark.parametrize("carrier", [None, {"x-correlation-id": "order-0001"}])
def test_a_message_without_a_trace_is_not_part_of_its_consumers(captured: Captured, carrier: Any) -> None:
    with correlated("outer-0001"), span("loop"):
        with continued(carrier, "process orders") as identifier:
            assert identifier != "outer-0001"
        assert correlation_id() == "outer-0001"
    consumer, _ = captured.spans
    assert consumer.parent is None
    assert (consumer.attributes or {})["correlation_id"] == identifier


def test_an_exception_marks_the_span_and_passes_on(captured: Captured) -> None:
    before = get_current()
    with pytest.raises(KeyError, match="sku"), continued(None, "process orders"):
        raise KeyError("sku")
    assert get_current() == before
    [consumer] = captured.spans
    assert consumer.status.status_code is StatusCode.ERROR
    assert (consumer.attributes or {})["error.type"] == "KeyError"
    assert [event.name for event in consumer.events] == ["exception"]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(0), GeneratorExit()], ids=repr)
def test_an_end_that_is_asked_for_is_no_error(captured: Captured, end: BaseException) -> None:
    with pytest.raises(type(end)), continued(None, "process orders"):
        raise end
    assert [consumer.status.status_code for consumer in captured.spans] == [StatusCode.UNSET]


def test_a_loop_leaves_nothing_bound(captured: Captured) -> None:
    before = get_current()
    identifiers = set()
    for number in range(1_000):
        with continued([("x-correlation-id", b"order-%04d" % number)], "process orders") as identifier:
            identifiers.add(identifier)
            inside = get_current()
        assert get_current() is before
    assert len(identifiers) == len(captured.spans) == 1_000
    assert len(inside) <= 4


def test_a_block_that_another_task_closes_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    async def messages() -> AsyncIterator[str]:
        with continued({"x-correlation-id": "order-0001"}, "process orders") as identifier:
            yield identifier

    async def consume() -> str | None:
        stream = messages()
        await asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.create_task(stream.aclose())  # type: ignore[attr-defined]
        return correlation_id()

    assert asyncio.run(consume()) is None
    assert caplog.records == []


class IntoPairs(Setter[Pairs]):
    """As opentelemetry-instrumentation-kafka-python sets headers."""

    def set(self, carrier: Pairs, key: str, value: str) -> None:
        carrier.append((key, value.encode()))


class AsBytes(Getter[Pairs]):
    """A getter that leaves it to others to decode."""

    def get(self, carrier: Pairs, key: str) -> Any:
        return [value for name, value in carrier if name == key] or None

    def keys(self, carrier: Pairs) -> list[str]:
        return [name for name, _ in carrier]


@pytest.mark.parametrize("theirs", ["X-Correlation-ID", b"x-correlation-id"])
def test_a_header_that_the_user_set_among_pairs_stays_alone(theirs: Any) -> None:
    carrier: Pairs = [(theirs, b"theirs-0001")]
    with correlated("order-0001"):
        propagate.inject(carrier, setter=IntoPairs())
    assert carrier == [(theirs, b"theirs-0001")]


def test_instrumented_clients_pairs_carry_the_id() -> None:
    carrier: Pairs = [("event", b"order_created")]
    with correlated("order-0001"):
        propagate.inject(carrier, setter=IntoPairs())
    assert carrier[1:] == [("x-correlation-id", b"order-0001")]
    with continued(carrier) as identifier:
        assert identifier == "order-0001"


@pytest.mark.parametrize(("value", "found"), [(b"order-0001", "order-0001"), (b"\xff" * 9, None)])
def test_a_getter_may_give_bytes(value: bytes, found: str | None) -> None:
    context = propagate.extract([("x-correlation-id", value)], getter=AsBytes())
    assert context.get("django_observe_correlation_id") == found


def test_importing_it_imports_no_django() -> None:
    code = "import sys, django_observe.messages; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
