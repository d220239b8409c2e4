"""A service whose spans are not where the doctor's own are, and which its metrics page tells of."""

from __future__ import annotations

from itertools import count

import pytest

from django_observe.doctor import serviceexport, servicesampling
from django_observe.doctor.backends import Backends
from django_observe.doctor.finding import OK
from tests.doctor.answering import Answering, Told
from tests.doctor.served import ID, TAKER, canary, recording


def test_spans_of_the_doctor_alone_do_not_say_where_the_services_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store has the doctor's span and none of kind SERVER; the count of what was exported rises."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", TAKER)
    monkeypatch.setattr(serviceexport, "WAIT_SECONDS", 0.1)
    exported = count(1)

    def page(_: object) -> Told:
        told = 'observe_info{service="shop"} 1\nobserve_telemetry_exported_total{signal="traces"} '
        return Told(200, {}, f"{told}{next(exported)}\n".encode())

    with recording("jaeger", **{'kind\\": 2': 'kind\\": 1'}) as jaeger, Answering(page) as service:
        known = Backends(jaeger=jaeger, given=frozenset({"jaeger"}))
        sent = canary(known, answered={service.url: ID}, started_ns=0)
        [found] = servicesampling.examine(sent)
    assert found.state == OK
