"""For a project's own tests: what its code caused, as records, log lines, metric samples and spans.

    with captured() as telemetry:
        client.get("/orders/7/")
    assert telemetry.requests()[0].queries.count == 2

The pytest fixture of the same name comes with the package. Importing this imports neither Django nor pytest.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from django_observe import renamed, samples

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from django_observe.records import Exchange, Record, TaskRun

__all__ = ["Captured", "captured"]

renamed.install(__name__)


class Captured:
    """What was observed, in the order in which it ended; complete when the block ends, readable before."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        """The records (`django_observe.records`) that the reporters were told."""
        self.lines: list[dict[str, Any]] = []
        """The request, task and application log lines, parsed; what the project's log levels let through."""
        self.spans: list[ReadableSpan] = []
        """The spans that ended, as code made them; those of other libraries only where tracing is on."""
        self._before: samples.Samples = {}
        self._after: samples.Samples | None = None

    def __repr__(self) -> str:
        """How much there is of each, for the message of a test that fails."""
        counted = f"{len(self.records)} records, {len(self.lines)} lines, {len(self.spans)} spans"
        return f"<{type(self).__name__}: {counted}>"

    def requests(self) -> list[Exchange]:
        """The requests that were answered."""
        from django_observe.records import Exchange

        return [record for record in self.records if isinstance(record, Exchange)]

    def tasks(self) -> list[TaskRun]:
        """The runs of Celery tasks."""
        from django_observe.records import TaskRun

        return [record for record in self.records if isinstance(record, TaskRun)]

    def exported(self) -> list[ReadableSpan]:
        """The spans as our export tells them, by the settings of now: masked, and cut down."""
        from django_observe import exportedspans

        return [exportedspans.exported(span) for span in self.spans]

    def sample(self, name: str, /, **labels: str) -> float:
        """How much a sample grew, over all with `labels`; `name` as /metrics has it, else LookupError."""
        after = samples.taken() if self._after is None else self._after
        return samples.grown(self._before, after, name, labels)


@contextmanager
def captured() -> Iterator[Captured]:
    """Captures what happens in this block, in every thread; blocks may nest. Nothing is withheld."""
    telemetry = Captured()
    with ExitStack() as stack:
        stack.enter_context(_records(telemetry))
        stack.enter_context(_lines(telemetry))
        stack.enter_context(_spans(telemetry))
        telemetry._before = samples.taken()  # noqa: SLF001 - the class's other half
        try:
            yield telemetry
        finally:
            telemetry._after = samples.taken()  # noqa: SLF001


@contextmanager
def _records(telemetry: Captured) -> Iterator[None]:
    from django.core.signals import setting_changed

    from django_observe import reporting

    def tell(record: Record) -> None:
        telemetry.records.append(record)

    def join(**_: object) -> None:
        """Also after `override_settings`, which chooses the reporters anew."""
        if tell not in reporting.reporters():
            reporting.set_reporters((*reporting.reporters(), tell))

    join()
    setting_changed.connect(join, weak=False)
    try:
        yield
    finally:
        setting_changed.disconnect(join)
        reporting.set_reporters(tuple(each for each in reporting.reporters() if each is not tell))


@contextmanager
def _lines(telemetry: Captured) -> Iterator[None]:
    from django_observe import conf, logway

    handler = _LineHandler(telemetry)
    loggers = logway.ends()
    root = logging.getLogger()
    level = root.level
    for logger in loggers:
        logger.addHandler(handler)
    if conf.logging_left_alone() and level == logging.WARNING:
        root.setLevel(conf.settings().log_level)  # as outside of pytest
    try:
        yield
    finally:
        root.setLevel(level)
        for logger in loggers:
            logger.removeHandler(handler)


class _LineHandler(logging.Handler):
    def __init__(self, telemetry: Captured) -> None:
        from django_observe.json import JsonFormatter

        super().__init__()
        self._telemetry = telemetry
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        import orjson

        from django_observe.loghandler import is_duplicate

        if not is_duplicate(record):
            self._telemetry.lines.append(orjson.loads(self.format(record)))


@contextmanager
def _spans(telemetry: Captured) -> Iterator[None]:
    from django_observe import spancapture

    with spancapture.into(telemetry.spans):
        yield


if "pytest" in sys.modules:
    import pytest

    @pytest.fixture(name="captured")
    def captured_fixture() -> Iterator[Captured]:
        """What the test causes: records, lines, samples and spans."""
        with captured() as telemetry:
            yield telemetry
