"""One outbound HTTP request to one host: what it may tell that host, and how it went."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from types import TracebackType
from typing import Any

from opentelemetry import propagate

from django_observe import conf, tally, traces, trust
from django_observe.records import Call
from django_observe.reporting import guard, report
from django_observe.vocabulary import Header


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
        with guard("outbound"):
            call = Call(
                method=self.method.upper(),
                host=self.host,
                status=self.status,
                seconds=perf_counter() - self.started,
                trace=traces.current(),
                failure=None if kind is None else kind.__name__,
            )
            work = tally.current()
            if work is not None:
                work.add_call(call.seconds)
            report(call)


def amend(headers: Any, host: str) -> None:
    """Adds the ID and the trace to `headers` if `host` may know them, else removes what propagation wrote.

    What the caller set itself stays as it is, in either case.
    """
    ours: dict[str, str] = {}
    propagate.inject(ours)
    allowed = trust.may_be_told(host, conf.settings().propagate_to, conf.PRIVATE_NETWORKS)
    present = _by_lower_name(headers, ours)
    for name, value in ours.items():
        found = present.get(name, [])
        if not allowed:
            for key in found:
                if _is_ours(name, key, _text(headers[key]), value):
                    del headers[key]
        elif not found:
            headers[name] = value
        elif len(found) > 1 and name in found:  # an instrumentation that looks names up in one case only
            del headers[name]


def _by_lower_name(headers: Iterable[Any], wanted: dict[str, str]) -> dict[str, list[Any]]:
    present: dict[str, list[Any]] = {}
    for key in list(headers):
        name = _text(key).lower()
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
