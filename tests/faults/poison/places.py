"""Where poison is put: log records, spans, the labels of metrics; and what must be true after each time."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any, NoReturn

from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, Status, StatusCode
from prometheus_client.parser import text_string_to_metric_families

from django_observe import export, exposition, reporting
from django_observe.json import MAX_LINE
from django_observe.records import Call, Exchange, Query, TaskRun, UnrunTask
from tests.collector import Collector
from tests.faults.poison import liars
from tests.faults.poison.values import (
    ENDLESS,
    HUGE_ONES,
    HUGEST,
    INTERRUPTING,
    TEXTS,
    errors,
    one,
    text,
    values,
)

GOOD = "a good record"
FLUSH_SECONDS = 20
_RESERVED = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

logger = logging.getLogger("shop")
tracer = trace.get_tracer("shop")


def refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def lines() -> list[dict[str, Any]]:
    """What stdout got since the last time: one strict JSON object each, none too long."""
    size = os.lseek(1, 0, os.SEEK_CUR)
    data = os.pread(1, size, 0)
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
    assert data.count(b"\n") == len(data.decode().splitlines()), "a line break within a line"
    assert max(map(len, data.splitlines()), default=0) <= MAX_LINE
    return [json.loads(line, parse_constant=refuse) for line in data.splitlines()]


def failures(*places: str) -> int:
    """How often the guard caught something in one of `places`."""
    counts = reporting.failures()
    return sum(counts.get(place, 0) for place in places)


class Place:
    """Told some poison with good records before and after it."""

    strategy: st.SearchStrategy[Any]

    def huge(self) -> Iterator[Any]:
        """Examples of 70 MB, each of which is tried once."""
        yield from ()

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.poisoned = self.counted = self.passed = 0
        self.begun = False

    def poison(self, drawn: Any) -> None:
        """One example."""
        raise NotImplementedError

    def ended(self) -> dict[str, Any]:
        """The figures."""
        return {"poisoned": self.poisoned, "counted": self.counted, "passed": self.passed}

    def begin(self) -> None:
        """Takes away what an example that failed has left."""
        if self.begun:
            export.flush(FLUSH_SECONDS)
            self.collector.requests.clear()
            os.ftruncate(1, 0)
            os.lseek(1, 0, os.SEEK_SET)
        self.begun = True

    def delivered(self, signal: str, told: int) -> int:
        """Sends all there is; how many of `told` records are in the books as lost: the others arrived."""
        before = self._lost(signal)
        export.flush(FLUSH_SECONDS)
        ledger = export.snapshot()[signal]
        assert ledger.queued == 0, ledger
        assert ledger.accepted == ledger.exported + ledger.lost, ledger
        arrived = self.collector.logs() if signal == "logs" else self.collector.spans()
        self.collector.requests.clear()
        good = sum(each.body == GOOD if signal == "logs" else each.name == GOOD for each in arrived)
        lost = ledger.lost - before
        assert (good, len(arrived)) == (2, told - lost), (ledger, lost, told)
        return lost

    def _lost(self, signal: str) -> int:
        found = export.snapshot().get(signal)
        return found.lost if found else 0


CALLS = ("message", "argument", "arguments", "number", "by name", "extra", "extras", "dict", "error", "stack")


class Logs(Place):
    """Message, arguments, extra and exception of a log call."""

    strategy = st.lists(
        st.tuples(st.sampled_from(CALLS), text, values | one(ENDLESS), errors), min_size=1, max_size=3
    )

    def huge(self) -> Iterator[Any]:
        for call, value in zip(cycle(CALLS), HUGE_ONES, strict=False):
            yield [(call, "word", value, ValueError("small"))]
        yield [("error", "word", 1, ValueError(HUGEST))]

    def poison(self, drawn: list[tuple[str, Any, Any, Any]]) -> None:
        self.begin()
        counted = failures("logs", "otlplogs")
        logger.info(GOOD)
        for call in drawn:
            self._log(*call)
        logger.info(GOOD)
        told = len(drawn) + 2
        counted = failures("logs", "otlplogs") - counted
        written = lines()
        assert sum(line["message"] == GOOD for line in written) == 2
        lost = self.delivered("logs", told - counted)
        assert told - counted <= len(written) <= told
        self.poisoned += len(drawn)
        self.counted += counted + lost
        self.begun = False

    def _log(self, call: str, word: str, value: Any, error: BaseException) -> None:
        match call:
            case "message":
                logger.info(value)
            case "argument" if not _is_mapping(value):
                logger.info("about %s", value)
            case "number":
                logger.info("about %d and %r", value, value)
            case "by name":
                logger.info("about %(it)s", {"it": value})
            case "extra":
                logger.info("about", extra={_name(word): value})
            case "extras":
                logger.info("about", extra={_name(f"{word[:20]}{number}"): value for number in range(8)})
            case "dict":
                logger.info({"message": value, word: value, "level": value})
            case "error":
                logger.error("failed", exc_info=_raised(error))
            case "stack":
                logger.error(word, value, 1, exc_info=_raised(error), stack_info=True, extra={"it": value})
            case _:
                logger.info(word, value, error)


class Interruptions(Place):
    """Log calls about objects that end the work instead: the caller gets that, later records are whole."""

    strategy = st.tuples(st.sampled_from(CALLS), one(TEXTS), one(INTERRUPTING))

    def poison(self, drawn: tuple[str, Any, Any]) -> None:
        self.begin()
        call, word, value = drawn
        logger.info(GOOD)
        error = value if isinstance(value, BaseException) else ValueError(value)
        passed = False
        try:
            Logs._log(self, call, word, value, error)  # type: ignore[arg-type]
        except liars.INTERRUPTIONS:
            passed = True
        logger.info(GOOD)
        export.flush(FLUSH_SECONDS)
        ledger = export.snapshot()["logs"]
        assert (ledger.queued, ledger.accepted) == (0, ledger.exported + ledger.lost)
        written, arrived = lines(), self.collector.logs()
        self.collector.requests.clear()
        for said in ([line["message"] for line in written], [each.body for each in arrived]):
            assert said.count(GOOD) == 2
            assert len(said) == 3 or (passed and len(said) == 2), said
        self.poisoned += 1
        self.passed += passed
        self.begun = False


def _raised(error: BaseException) -> tuple[type[BaseException], BaseException, None]:
    """As `sys.exc_info` has it; of an error alone logging itself would ask whether it is true."""
    return type(error), error, None


def _is_mapping(value: Any) -> bool:
    """Whether logging itself, before any handler, would ask a lone argument for its truth."""
    return isinstance(value, dict) or hasattr(type(value), "__getitem__")


def _name(word: str) -> str:
    return f"{word}_" if word in _RESERVED else word


class Spans(Place):
    """Name, attributes, events, error, status and link of a span."""

    strategy = st.lists(st.tuples(text, text, values, values, errors), min_size=1, max_size=3)

    def huge(self) -> Iterator[Any]:
        for value in HUGE_ONES:
            yield [("name", "key", value, value, ValueError("small"))]
        yield [(HUGEST, HUGEST, 1, 1, ValueError(HUGEST))]

    def poison(self, drawn: list[tuple[Any, ...]]) -> None:
        self.begin()
        tracer.start_span(GOOD).end()
        for each in drawn:
            self._trace(*each)
        tracer.start_span(GOOD).end()
        self.counted += self.delivered("traces", len(drawn) + 2)
        self.poisoned += len(drawn)
        lines()
        export.flush(FLUSH_SECONDS)  # what the SDK had to say of it
        self.collector.requests.clear()
        self.begun = False

    def _trace(self, name: str, key: str, value: Any, other: Any, error: BaseException) -> None:
        context = SpanContext(1, 1, is_remote=False)
        span = tracer.start_span(name, links=[Link(context, {key: name})])
        for step in (
            lambda: span.set_attribute(key, value),
            lambda: span.set_attribute("several", [value, value]),
            lambda: span.add_event(name, {key: value, "other": other}),
            lambda: span.record_exception(error, {key: other}),
            lambda: span.set_status(Status(StatusCode.ERROR, value if isinstance(value, str) else name)),
        ):
            self.passed += _is_refused_by_the_sdk(step)
        span.end()


def _is_refused_by_the_sdk(step: Callable[[], object]) -> bool:
    """Whether OpenTelemetry's SDK raises: itself, or when our span has handed a value on to it."""
    try:
        step()
    except Exception as raised:
        asking = [file for file in _files(raised) if "/django_observe/" in file or "/opentelemetry/" in file]
        if "/django_observe/" in asking[-1]:
            raise
        return True
    return False


def _files(error: BaseException) -> Iterable[str]:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename
        trace = trace.tb_next


class Labels(Place):
    """Hosts, methods, routes, aliases, task names and queues: label values and fields of our own lines."""

    strategy = st.lists(st.tuples(text, text, text), min_size=1, max_size=3)

    def __init__(self, collector: Collector) -> None:
        super().__init__(collector)
        self.goods = 0

    def huge(self) -> Iterator[Any]:
        yield [(HUGEST, HUGEST, HUGEST)]
        yield [(liars.Short(HUGEST), "two", liars.Short(HUGEST))]

    def poison(self, drawn: list[tuple[str, str, str]]) -> None:
        self.begin()
        counted = failures("django_observe.logs", "django_observe.metrics", "logs", "otlplogs")
        self._good()
        for each in drawn:
            self._report(*each)
        self._good()
        written = [line for line in lines() if line["logger"].startswith("django_observe.")]
        counted = failures("django_observe.logs", "django_observe.metrics", "logs", "otlplogs") - counted
        told = len(drawn) * 3
        assert told - counted <= len(written) <= told, (len(written), counted, told)
        export.flush(FLUSH_SECONDS)
        self.collector.requests.clear()
        self.poisoned += len(drawn) * 5
        self.counted += counted
        self.begun = False

    def ended(self) -> dict[str, Any]:
        page, _ = exposition.render("", several=False)
        found = [each for family in text_string_to_metric_families(page.decode()) for each in family.samples]
        good = [each.value for each in found if GOOD in each.labels.values() and each.name.endswith("_count")]
        assert good == [self.goods]
        assert all(len(value) <= 200 for each in found for value in each.labels.values())
        assert not any(math.isnan(each.value) for each in found if each.name.endswith("_total"))
        return super().ended() | {"series": len(found)}

    def _good(self) -> None:
        self.goods += 1
        reporting.report(Call(method="GET", host=GOOD, status=200, seconds=0.1))

    def _report(self, one: str, two: str, three: str) -> None:
        reporting.report(Call(method=one, host=two, status=200, seconds=0.1))
        reporting.report(Query(alias=two, vendor=one, seconds=0.1, failure=three))
        task: dict[str, Any] = {
            "task": one,
            "task_id": two,
            "queue": two,
            "hostname": three,
            "correlation_id": "0123456789",
        }
        reporting.report(UnrunTask(state="REVOKED", **task))
        reporting.report(TaskRun(state="SUCCESS", seconds=1, **task))
        request: dict[str, Any] = {
            "method": one,
            "path": two,
            "route": two,
            "view": three,
            "charset": one,
            "template": two,
        }
        reporting.report(
            Exchange(
                correlation_id="0123456789",
                status=200,
                seconds=1,
                matched=True,
                view_exception=three,
                **request,
            )
        )


PLACES: dict[str, type[Place]] = {
    "log record": Logs,
    "log record that interrupts": Interruptions,
    "span": Spans,
    "label": Labels,
}
