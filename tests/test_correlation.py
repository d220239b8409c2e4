"""The ID: accepted, generated, bound with a token, carried by OpenTelemetry's propagation."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from opentelemetry import propagate
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_observe import correlated, correlation, correlation_id, propagation, rebind
from django_observe.provider import Stamp

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "value",
    ["a1b2c3d4", "A.b_c-1234", "0" * 128, "4bf92f3577b34da6a3ce929d0e0e4736", mark_safe("a1b2c3d4")],
)
def test_well_formed_ids_are_accepted(value: str) -> None:
    assert correlation.accepted(value) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "seven77",
        "0" * 129,
        "0" * 1_000_000,
        "urn:uuid:4bf92f35-77b3-4da6",
        "{4bf92f3577b34da6}",
        "abcd efgh",
        "abcdefgh\r\nSet-Cookie: a=b",
        "abcdefgh\n",
        "abcdefgh\x00",
        "abcdefgh,abcdefgh",
        "äbcdefghi",
        "١٢٣٤٥٦٧٨",
        "abcdefgh;",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "\ud800abcdefgh",
        12_345_678,
        b"abcdefgh",
        ["abcdefgh"],
        UUID("4bf92f35-77b3-4da6-a3ce-929d0e0e4736"),
        SimpleLazyObject(lambda: "abcdefgh"),
    ],
)
def test_malformed_ids_are_not(value: Any) -> None:
    assert correlation.accepted(value) is None


def test_nested_blocks_give_the_outer_id_back() -> None:
    with correlated("outer-0001") as outer:
        with correlated("inner-0001"):
            assert correlation_id() == "inner-0001"
        assert correlation_id() == outer == "outer-0001"
    assert correlation_id() is None


def test_the_id_lies_in_opentelemetrys_context_and_nowhere_else() -> None:
    with correlated("outer-0001"):
        carried = get_current()
        assert correlation.of(carried) == "outer-0001"
        token = attach(Context())
        assert correlation_id() is None
        detach(token)
    assert (get_current(), correlation.of(None), correlation_id()) == ({}, None, None)
    token = attach(carried)
    assert correlation_id() == "outer-0001"
    detach(token)


def test_a_token_of_another_context_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    token = copy_context().run(correlation.bind, "elsewhere-1")
    correlation.reset(token)
    assert (caplog.records, correlation_id()) == ([], None)


@pytest.mark.parametrize("given", ["no", 12_345_678, UUID("4bf92f35-77b3-4da6-a3ce-929d0e0e4736")])
def test_a_malformed_id_of_a_block_is_replaced(given: Any) -> None:
    with correlated(given) as identifier:
        assert len(identifier) == 32
        assert identifier != getattr(given, "hex", given)


def test_a_thread_goes_on_under_the_id_where_the_work_is_rebound() -> None:
    seen: list[str | None] = []

    def work(*_: object) -> None:
        seen.append(correlation_id())

    with ThreadPoolExecutor(max_workers=1) as pool:
        with correlated("in-a-pool-1"):
            pool.submit(rebind(work)).result()
            list(pool.map(rebind(work), range(2)))
            thread = threading.Thread(target=rebind(work))
        thread.start()
        thread.join()
        pool.submit(work).result()
    assert seen == ["in-a-pool-1"] * 4 + [None]


def test_a_propagator_that_is_not_installed_does_not_keep_the_service_from_starting() -> None:
    program = (
        "import django; django.setup()\n"
        "from opentelemetry import propagate; print(sorted(propagate.get_global_textmap().fields))"
    )
    variables = {"DJANGO_SETTINGS_MODULE": "tests.settings", "OTEL_PROPAGATORS": "b3-typo", "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout == "['traceparent', 'tracestate', 'x-correlation-id']\n"
    assert "OTEL_PROPAGATORS is 'b3-typo'" in ran.stderr


def test_the_id_travels_through_opentelemetrys_propagation() -> None:
    propagation.install()
    carrier: dict[str, str] = {}
    with correlated("travels-001"):
        propagate.inject(carrier)
    assert carrier == {"x-correlation-id": "travels-001"}
    token = attach(propagate.extract(carrier))
    try:
        assert correlation_id() == "travels-001"
    finally:
        detach(token)
    assert correlation_id() is None


@pytest.mark.parametrize("name", ["x-correlation-id", "X-Correlation-ID"])
def test_a_header_that_the_caller_set_is_not_overwritten(name: str) -> None:
    propagation.install()
    carrier = {name: "the-callers-own"}
    with correlated("travels-001"):
        propagate.inject(carrier)
    assert carrier == {name: "the-callers-own"}


def test_the_id_of_a_context_that_is_given_goes_before_the_current_one() -> None:
    propagation.install()
    with correlated("given-00001"):
        given = get_current()
    with correlated("current-001"):
        carriers: list[dict[str, str]] = [{}, {}]
        propagate.inject(carriers[0], given)
        propagate.inject(carriers[1], Context())
    assert carriers == [{"x-correlation-id": "given-00001"}, {"x-correlation-id": "current-001"}]


def test_a_span_is_stamped_with_the_id_of_its_parents_context() -> None:
    exporter = InMemorySpanExporter()
    spans = TracerProvider(shutdown_on_exit=False)
    spans.add_span_processor(Stamp())
    spans.add_span_processor(SimpleSpanProcessor(exporter))
    with correlated("parents-001"):
        parents = get_current()
    with correlated("current-001"):
        for context in (parents, None, Context()):
            spans.get_tracer("shop").start_span("work", context).end()
    stamped = [dict(span.attributes or {})["correlation_id"] for span in exporter.get_finished_spans()]
    assert stamped == ["parents-001", "current-001", "current-001"]


def test_a_hostile_carrier_gives_no_id() -> None:
    propagation.install()
    token = attach(propagate.extract({"x-correlation-id": "x\r\ny" * 99}))
    try:
        assert correlation_id() is None
    finally:
        detach(token)


def test_installing_again_does_not_stack_propagators() -> None:
    propagation.install()
    first = propagate.get_global_textmap()
    propagation.install()
    assert propagate.get_global_textmap() is first
    assert "baggage" not in first.fields


@pytest.mark.parametrize(("asked", "passed_on"), [("", False), ("tracecontext", True)])
def test_a_callers_tracestate_goes_no_further_unless_it_is_asked_for(asked: str, passed_on: bool) -> None:
    program = (
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; import django; django.setup();"
        "from opentelemetry import context, propagate;"
        f"got = propagate.extract({{'traceparent': '00-{'a' * 32}-{'b' * 16}-01', 'tracestate': 'v=1'}});"
        "context.attach(got); sent = {}; propagate.inject(sent);"
        "print(sent['traceparent'][3:35], sent.get('tracestate'))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "OTEL_PROPAGATORS": asked},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["a" * 32, "v=1" if passed_on else "None"]


def test_a_new_id_is_a_uuid4_of_which_no_other_bit_is_fixed() -> None:
    ids = [correlation.generate() for _ in range(500)]
    made = [UUID(identifier) for identifier in ids]
    assert [each.hex for each in made] == ids
    assert {(each.version, each.variant) for each in made} == {(4, RFC_4122)}
    always, ever = made[0].int, 0
    for each in made:
        always, ever = always & each.int, ever | each.int
    assert f"{always:032x} {ever:032x}" == f"{4 << 76 | 8 << 60:032x} {'f' * 12}4fffb{'f' * 15}"
