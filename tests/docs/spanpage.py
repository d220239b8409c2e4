"""Writes docs/reference/spans.md from the spans that a program sends: `python -m tests.docs.spanpage`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from opentelemetry.trace import SpanKind

from django_observe.vocabulary import Attribute
from docs.pages.table import code, table
from tests.collector import Collector, Received
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs/reference/spans.md"
WORK = {
    "GET ok/<int:number>/": "a request",
    "GET boom/": "a request that fails",
    "SELECT": "a statement",
    "GET": "an outbound call, by requests",
    "apply_async/shop.tasks.invoice": "a task of Celery, published",
    "run/shop.tasks.invoice": "its run",
    "process orders": '`continued(message, "process orders")`',
}
"""What spanwork.py does, by the names of its spans."""

_SINCE_DUE = "milliseconds between its publication, or the time it was due, and its start"
_SKEW = "milliseconds by which the publisher's clock was ahead, where that can be told"
MEANINGS: dict[str, str] = {
    Attribute.CORRELATION_ID: "the ID, on every span of the work",
    Attribute.CLIENT_CORRELATION_ID: "the ID that an untrusted caller sent: noted, not continued",
    Attribute.DB_QUERY_COUNT: "statements of this request or run; absent where there was none",
    Attribute.DB_QUERY_REPEAT: "how often the most repeated of them ran: a high number is an N+1",
    Attribute.QUEUE_WAIT_MS["celery"]: f"of a task: {_SINCE_DUE}",
    Attribute.QUEUE_WAIT_MS["django"]: f"of a background task of Django's: {_SINCE_DUE}",
    Attribute.CLOCK_SKEW_MS["celery"]: f"of a task: {_SKEW}",
    Attribute.CLOCK_SKEW_MS["django"]: f"of a background task of Django's: {_SKEW}",
    Attribute.SCHEDULE: "the entry of the schedule by which Celery beat published the task",
    Attribute.REDELIVERED: "true: the broker delivered the task before",
    Attribute.CONSUMER: "the class of a Channels consumer",
    Attribute.MESSAGE_TYPE: "the type of the message that a consumer handles",
}
TEXT = """\
# Spans

<!-- Written by `make docs` from a run; do not edit. -->

What a service sends where `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Names and attributes are those of
OpenTelemetry's semantic conventions and instrumentations; where they
[differ](opentelemetry.md#where-spans-differ-from-opentelemetrys-own) is listed and tested. Spans of
[WebSockets](../how-to/channels.md), [background tasks](../how-to/background-tasks.md) and
[messages](../how-to/messages.md) are told on their own pages.

## From a run

A program that did each of these once, and what arrived at its receiver:

{spans}

An exception is an event of its span, `exception`, with type, message and masked stack. The resource that sent
all of them has {resource}.

## Attributes of our own

Beyond the conventions:

{attributes}
"""


def spans() -> list[Received]:
    """What spanwork.py sends, from a process of its own."""
    with Collector() as collector:
        variables = {**os.environ, **collector.environment, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        command = [sys.executable, "-m", "tests.docs.spanwork"]
        subprocess.run(command, cwd=ROOT, env=variables, check=True, capture_output=True, timeout=120)
        return collector.spans()


def page(sent: list[Received]) -> str:
    """The page, from those spans."""
    rows = [(title, *_row(next(span for span in sent if span.name == name))) for name, title in WORK.items()]
    own = [(f"`{name}`", MEANINGS[name]) for name in _names(vars(Attribute))]
    return TEXT.format(
        spans=table(("Of", "Name", "Kind", "Attributes"), rows),
        resource=code(sorted(sent[0].resource)),
        attributes=table(("Attribute", "Meaning"), own),
    )


def _row(span: Received) -> tuple[str, str, str]:
    kind = SpanKind(span.raw.kind - 1).name
    return f"`{span.name}`", kind, code(sorted(span.attributes))


def _names(constants: Any) -> list[str]:
    """Every name of the vocabulary, one each."""
    given = [value for name, value in constants.items() if name.isupper()]
    return [name for value in given for name in (value.values() if isinstance(value, dict) else [value])]


if __name__ == "__main__":
    PAGE.write_text(page(spans()))
