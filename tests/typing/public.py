"""Every public name as a typed project uses it; mypy reads this in strict mode, nothing runs it.

Where a line ends in `type: ignore`, the use is wrong: strict mode complains of an ignore that nothing needs.
`make wheel` has it read against the installed wheel, `make check` against the working tree.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from logging import Formatter
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from typing_extensions import assert_type

import django_observe
from django_observe import continued, correlated, correlation_id, flush, outgoing, rebind
from django_observe.json import JsonFormatter
from django_observe.records import Exchange, TaskRun
from django_observe.testing import Captured, captured


def area(width: int, height: float = 1) -> float:
    return width * height


def identifiers() -> None:
    assert_type(correlation_id(), str | None)
    with correlated() as new, correlated("nightly-2026") as given:
        assert_type(new, str)
        assert_type(given, str)
    with correlated(7):  # type: ignore[arg-type]
        pass
    correlation_id().upper()  # type: ignore[union-attr]


def functions_keep_their_types() -> None:
    assert_type(rebind(area)(3, height=2), float)
    with ThreadPoolExecutor() as pool:
        assert_type(pool.submit(rebind(area), 3).result(), float)
    rebind(area)("3")  # type: ignore[arg-type]
    rebind(area)(3, depth=2)  # type: ignore[call-arg]


def messages() -> None:
    headers = outgoing()
    assert_type(headers, dict[str, str])
    with continued(headers, "process orders", link=True, attributes={"messaging.system": "kafka"}) as found:
        assert_type(found, str)
    with continued([("x-correlation-id", b"nightly-2026")]) as found:
        assert_type(found, str)
    with continued(headers, "process orders", True):  # type: ignore[call-arg]
        pass


def delivery() -> None:
    assert_type(flush(2.5), bool)
    flush()  # type: ignore[call-arg]


def a_test_of_a_project(captured: Captured) -> None:
    assert_type(captured.requests(), list[Exchange])
    assert_type(captured.tasks(), list[TaskRun])
    assert_type(captured.exported(), list[ReadableSpan])
    assert_type(captured.sample("django_http_requests_total", method="GET"), float)
    assert_type(captured.lines, list[dict[str, Any]])
    assert_type(captured.requests()[0].queries.count, int)
    captured.sample("django_http_requests_total", status=200)  # type: ignore[arg-type]


def a_block_of_a_test() -> None:
    with captured() as telemetry:
        assert_type(telemetry, Captured)


def logging_of_ones_own() -> Formatter:
    return JsonFormatter()


django_observe.settings()  # type: ignore[attr-defined]
