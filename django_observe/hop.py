"""One outbound HTTP request to one host: what it may tell that host, and how it went."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from time import perf_counter
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from django_observe import conf, tally, traces, trust
from django_observe.reporting import guard, report
from django_observe.vocabulary import Header

if TYPE_CHECKING:
    from opentelemetry.propagators.textmap import TextMapPropagator

    from django_observe.records import Call

Amendments: TypeAlias = tuple[list[Any], dict[str, str]]

_guard = guard("outbound")

_NOTHING: Amendments = ([], {})


class Hop:
    """One request on its way to one host: timed until its headers are back, then told as a Call."""

    __slots__ = ("host", "method", "started", "status")

    def __init__(self, method: str, host: str) -> None:
        self.method = method
        self.host = host
        self.status: int | None = None

    def __enter__(self) -> None:
        self.started = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _guard:
            fields = {
                "method": self.method.upper(),
                "host": self.host,
                "status": self.status,
                "seconds": perf_counter() - self.started,
                "trace": traces.current(),
                "failure": None if kind is None else kind.__name__,
            }
            call = _call().of(fields)
            work = tally.current()
            if work is not None:
                work.add_call(call.seconds)
            report(call)


def status_number(status: Any) -> int | None:
    """A status, such as HTTPStatus.OK, without its kind; None of what a mock has there."""
    if type(status) is int:
        return status
    return int(status) if issubclass(type(status), int) else None


def amend(headers: Any, host: str) -> None:
    """Adds the ID and the trace to `headers` if `host` may know them, else removes what propagation wrote.

    What the caller set itself stays as it is, in either case.
    """
    amended(headers, amendments(headers, host))


def amended(headers: Any, changes: Amendments) -> Any:
    """`headers`, with the changes made in place."""
    removed, added = changes
    for key in removed:
        del headers[key]
    for name, value in added.items():
        headers[name] = value
    return headers


def amendments(headers: Any, host: str) -> Amendments:
    """What `amend` would remove and add: mostly nothing, where an instrumentation has written it before."""
    settings = conf.settings()
    allowed = trust.may_be_told(host, settings.propagate_to, conf.PRIVATE_NETWORKS)
    propagate = _propagate()
    written = _written(propagate.get_global_textmap(), settings.correlation_header)
    if allowed and _names(headers, written) == written:  # saves 60k instructions of a call
        return _NOTHING
    ours: dict[str, str] = {}
    propagate.inject(ours)
    present = _by_lower_name(headers, ours)
    removed: list[Any] = []
    added: dict[str, str] = {}
    for name, value in ours.items():
        found = present.get(name, [])
        if not allowed:
            removed += [key for key in found if _is_ours(name, key, _text(headers[key]), value)]
        elif not found:
            added[name] = value
        elif len(found) > 1 and name in found:  # an instrumentation that looks names up in one case only
            removed.append(name)
    return removed, added


@lru_cache(maxsize=1)
def _call() -> type[Call]:
    """Imported with the first."""
    from django_observe.records import Call

    return Call


@lru_cache(maxsize=1)
def _propagate() -> ModuleType:
    """OpenTelemetry's module, imported with the first call; an import that is done takes 4k instructions."""
    from opentelemetry import propagate

    return propagate


def _written(textmap: TextMapPropagator, id_header: str | None) -> list[str]:
    """The names, in order, that propagation may write; a state is written with its trace, or not at all.

    Remembered while propagator and setting are the same; a project's own propagator may have no hash.
    """
    global _last
    asked, header, names = _last
    if asked is not textmap or header != id_header:
        names = sorted(textmap.fields - {Header.TRACESTATE})
        _last = textmap, id_header, names
    return names


_last: tuple[TextMapPropagator | None, str | None, list[str]] = (None, None, [])


def _names(headers: Iterable[Any], wanted: list[str]) -> list[str]:
    """Those of `wanted` that are there, in order, each as often as it is."""
    lower = [(key if type(key) is str else _text(key)).lower() for key in headers]
    return sorted([name for name in lower if name in wanted])


def _by_lower_name(headers: Iterable[Any], wanted: dict[str, str]) -> dict[str, list[Any]]:
    present: dict[str, list[Any]] = {}
    for key in headers:
        name = (key if type(key) is str else _text(key)).lower()
        if name in wanted:
            present.setdefault(name, []).append(key)
    return present


def _is_ours(name: str, key: Any, found: str, value: str) -> bool:
    """Whether `found` is what propagation writes: now, or for an earlier hop of the same trace.

    It writes names in lower case; an ID under a name in another case was set by the caller.
    """
    if name == Header.TRACEPARENT:
        return found.split("-")[1:2] == value.split("-")[1:2]
    return found == value and _text(key) == name


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
