"""The hop of log lines: whether those of our loggers, and the project's own, get out of this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from django_observe import conf, correlation, logwiring, superseded
from django_observe.doctor import ownloggers, silence, streams
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.logway import Exporter
from django_observe.vocabulary import Field

HOP = "log lines"
OWN_HOP = "log lines: project"
MESSAGE = "observe doctor: a canary"
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR)
_EXPORTED = "OTLP alone, and none to stdout"
_ROOM = 3
"""As many names as a line has room for."""
_FLAGS = TraceFlags(TraceFlags.SAMPLED)


def examine(canary: Canary) -> Iterator[Finding]:
    """Logs a line by each logger, under the canary's ID and trace, and looks for it in what was written."""
    if not conf.settings().logs:
        yield Finding(HOP, NOT_CONFIGURED, "DJANGO_OBSERVE['LOGS'] is False")
        return
    swallowed: set[tuple[str, str]] = set()
    written: set[str] = set()
    for name in logwiring.OURS:
        line, stream = _written(name, logging.INFO, canary)
        fault = None if line else silence.reason(logging.getLogger(name), logging.INFO)
        if fault is None:
            written.add(_kind(line, stream, canary) if _writers(name, logging.INFO) else _EXPORTED)
        elif (fault.cause, fault.change) not in swallowed:
            swallowed.add((fault.cause, fault.change))
            yield Finding(HOP, BROKEN, f"no line of {name} gets out", fault.cause, fault.change)
    if not swallowed:
        yield Finding(HOP, OK, _ours(", ".join(sorted(written))))
    yield from _own(canary)


def _ours(where: str) -> str:
    """Our lines, but for those in whose place another kit writes its own."""
    superseded.superseded()  # which imports what MIDDLEWARE names: else none of it is known to write any
    instead = {
        "requests": ", ".join(superseded.tellers_of_requests()),
        "tasks": superseded.STRUCTLOG if superseded.are_tasks_to_be_told() else "",
    }
    *first, last = [each for each in ("requests", "tasks", "consumers") if not instead.get(each)]
    told = [f"those of {', '.join(first)}{' and ' if first else ''}{last} go to {where}"]
    told += [f"of {what} {kit} writes its own instead (W007)" for what, kit in instead.items() if kit]
    return "; ".join(told)


def _own(canary: Canary) -> Iterator[Finding]:
    """The project's own loggers: the least level that is written, as it chose; silence at all is a fault."""
    silent = silence.switched_off()
    if silent:
        yield _disabled(silent)
        return
    silenced: dict[tuple[silence.Silence, str], list[str]] = {}
    heard: dict[tuple[object, ...], list[str]] = {}
    for name in ownloggers.names():
        logger = logging.getLogger(name)
        taken = [(level, frozenset(silence.takers(logger, level))) for level in _LEVELS]
        critical = bool(silence.takers(logger, logging.CRITICAL))
        fault = silence.reason(logger, _wanted(logger, critical=critical))
        if fault is not None and not any(takers for _, takers in taken):
            below = " below CRITICAL" if critical else ", of whatever level,"
            silenced.setdefault((fault, below), []).append(name)
        else:
            heard.setdefault(tuple(taken), []).append(name)
    for (fault, below), names in silenced.items():
        says = f"lines of {_listed(names)}{below} go nowhere"
        yield Finding(OWN_HOP, BROKEN, says, fault.cause, fault.change)
    if heard:
        yield Finding(OWN_HOP, OK, "; ".join(_going(names, canary) for names in heard.values()))


def _wanted(logger: logging.Logger, *, critical: bool) -> int:
    """The level to ask a reason for: where one is what swallows, that of LOG_LEVEL, or ERROR if it is higher.

    Else ERROR, as what is below root's level has another reason first; `critical`: lines of that are taken.
    """
    if logger.isEnabledFor(logging.ERROR) and not critical:
        return logging.ERROR
    return min(int(logging.getLevelName(conf.settings().log_level)), logging.ERROR)


def _going(names: list[str], canary: Canary) -> str:
    """From which level on, and where to, lines of `names` go; all of them to the same places."""
    told = f"and above of {_listed(names)} go to"
    level = next(
        (each for each in _LEVELS if silence.takers(logging.getLogger(names[0]), each)), logging.ERROR
    )
    first = next((each for each in _LEVELS if _writers(names[0], each)), None)
    if first is None:
        return f"{logging.getLevelName(level)} {told} {_EXPORTED}"
    line, stream = _written(names[0], first, canary) if first < logging.ERROR else ("", "")  # may be mailed
    more = "" if level == first else f", {logging.getLevelName(level)} and above to OTLP"
    return f"{logging.getLevelName(first)} {told} {_kind(line, stream, canary)}{more}"


def _writers(name: str, level: int) -> list[logging.Handler]:
    """The handlers that take a record of `name`, but for what exports it."""
    takers = silence.takers(logging.getLogger(name), level)
    return [each for each in takers if not isinstance(each, Exporter)]


def _listed(names: list[str]) -> str:
    shown = ownloggers.outermost(names)
    more = f" and {len(shown) - _ROOM} more" if len(shown) > _ROOM else ""
    return ", ".join(shown[:_ROOM]) + more


def _disabled(names: list[str]) -> Finding:
    return Finding(
        OWN_HOP,
        BROKEN,
        f"loggers are switched off: {', '.join(names[:_ROOM])}"
        + (f" and {len(names) - _ROOM} more" if len(names) > _ROOM else ""),
        cause="LOGGING has disable_existing_loggers on, which is its default: loggers that were there before "
        "it was applied say nothing any more",
        change='LOGGING["disable_existing_loggers"] = False',
    )


def _written(name: str, level: int, canary: Canary) -> tuple[str, str]:
    """The line that a record of `name` becomes, and on which stream; empty if it gets to neither."""
    span = SpanContext(int(canary.trace_id, 16), int(canary.span_id, 16), is_remote=False, trace_flags=_FLAGS)
    with (
        streams.diverted() as kept,
        correlation.correlated(canary.correlation_id),
        use_span(NonRecordingSpan(span)),
    ):
        logging.getLogger(name).log(level, "%s %s", MESSAGE, canary.correlation_id)
    lines = ((line, name) for name, each in kept.items() for line in each.getvalue().splitlines())
    return next((found for found in lines if MESSAGE in found[0]), ("", ""))


def _kind(line: str, stream: str, canary: Canary) -> str:
    if not line:
        return "handlers of LOGGING's own"
    try:
        fields = json.loads(line)
    except ValueError:
        return f"{stream}, as text"
    known = isinstance(fields, dict) and fields.get(Field.CORRELATION_ID) == canary.correlation_id
    return f"{stream}, as JSON" if known else f"{stream}, as JSON of another formatter"
