"""What the trace list is asked for: the query parameters of /traces, read and told again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.http import QueryDict

from django_observe.console.conditions import Condition, condition
from django_observe.console.timerange import EVERYTHING, TimeRange

SORTS: Final = {"time": "listed_ns", "duration": "end_ns-start_ns", "spans": "spans"}
_MILLISECONDS: Final = re.compile(r"\d{1,9}(\.\d{1,6})?")
_PLACE: Final = re.compile(r"(\d{1,19})-([0-9a-f]{32})")
_HTTP: Final = re.compile(r"([1-5])xx|(>=|<=|>|<)?\s*([1-5]\d\d)")
_CONDITIONS: Final = 10


class Place(NamedTuple):
    """The last row of a page: the next page starts behind it."""

    value: int
    trace_id: bytes


@dataclass(frozen=True)
class TraceFilter:
    """Conditions on traces; empty means any. One span must meet service, operation and all of `where`."""

    services: tuple[str, ...] = ()
    operation: str = ""
    text: str = ""
    status: str = ""
    min_ns: int = 0
    max_ns: int = 0
    http: tuple[int, int] | None = None
    correlation_id: str = ""
    where: tuple[Condition, ...] = field(default=())
    range: TimeRange = EVERYTHING
    sort: str = "time"
    before: Place | None = None
    limit: int = 50


def trace_filter(parameters: QueryDict, shown: TimeRange) -> TraceFilter:
    """Raises ValueError that names the parameter and what it accepts."""
    sort = parameters.get("sort", "") or "time"
    if sort not in SORTS:
        raise ValueError(f"sort={sort[:40]}: {', '.join(SORTS)} are accepted")
    status = parameters.get("status", "")
    if status not in ("", "error", "ok"):
        raise ValueError(f"status={status[:40]}: error and ok are accepted")
    return TraceFilter(
        services=tuple(dict.fromkeys(filter(None, parameters.getlist("service"))))[:_CONDITIONS],
        operation=parameters.get("operation", ""),
        text=parameters.get("q", "").strip(),
        status=status,
        min_ns=_nanoseconds("min_ms", parameters),
        max_ns=_nanoseconds("max_ms", parameters),
        http=_http(parameters.get("http", "").strip().lower()),
        correlation_id=parameters.get("correlation_id", "").strip(),
        where=tuple(condition(one) for one in parameters.getlist("where")[:_CONDITIONS] if one.strip()),
        range=shown,
        sort=sort,
        before=_place(parameters.get("before", "")),
    )


def _nanoseconds(name: str, parameters: QueryDict) -> int:
    text = parameters.get(name, "").strip()
    if text and not _MILLISECONDS.fullmatch(text):
        raise ValueError(f"{name}={text[:40]}: milliseconds are accepted, such as 250")
    return int(float(text or 0) * 10**6)


def _http(text: str) -> tuple[int, int] | None:
    """The lowest and highest status of `500`, `5xx` or `>=400`."""
    if not text:
        return None
    matched = _HTTP.fullmatch(text)
    if not matched:
        raise ValueError(f"http={text[:40]}: a status such as 404, 5xx or >=400 is accepted")
    if matched[1]:
        return int(matched[1]) * 100, int(matched[1]) * 100 + 99
    status = int(matched[3])
    bounds = {">=": (status, 999), ">": (status + 1, 999), "<=": (100, status), "<": (100, status - 1)}
    return bounds.get(matched[2], (status, status))


def _place(text: str) -> Place | None:
    if not text:
        return None
    matched = _PLACE.fullmatch(text)
    if not matched:
        raise ValueError(f"before={text[:60]}: the place at which a page of this list ended is accepted")
    return Place(min(int(matched[1]), 2**63 - 1), bytes.fromhex(matched[2]))
