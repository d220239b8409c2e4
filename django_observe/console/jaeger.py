"""Jaeger's query API v3, so that whatever asks Jaeger can ask the console the same way.

https://github.com/jaegertracing/jaeger, jaegerquery/internal/apiv3: parameters in camelCase or snake_case,
`{"result": TracesData}` in OTLP/JSON, errors as `{"error": {"httpCode", "message"}}`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import orjson
from django.http import HttpRequest, HttpResponse, QueryDict

from django_observe.console import limits, queries, trace_search
from django_observe.console.instance import console_of
from django_observe.console.tracesdata import traces_data

_KINDS: Final = {2: "server", 3: "client", 4: "producer", 5: "consumer"}
_DURATION: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNIT_NS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DEFAULT_DEPTH: Final = 100
LATEST_NS: Final = 2**63 - 1


class ParameterError(ValueError):
    """A query parameter cannot be used."""


def services(request: HttpRequest) -> HttpResponse:
    """GET /api/v3/services."""
    with console_of(request).store.reading() as connection:
        return _json({"services": sorted(queries.services(connection))})


def operations(request: HttpRequest) -> HttpResponse:
    """GET /api/v3/operations?service=&spanKind=."""
    kind = _parameter(request.GET, "spanKind", "span_kind")
    with console_of(request).store.reading() as connection:
        found = queries.operations(connection, request.GET.get("service", ""))
    named = [{"name": name, "spanKind": _KINDS.get(number, "internal")} for name, number in found]
    return _json({"operations": [one for one in named if not kind or one["spanKind"] == kind]})


def traces(request: HttpRequest) -> HttpResponse:
    """GET /api/v3/traces?query.serviceName=&query.startTimeMin=&query.startTimeMax=...

    Jaeger demands both times; here a missing one means all that is kept.
    """
    try:
        search = _search(request.GET)
    except ParameterError as fault:
        return _error(400, str(fault))
    with console_of(request).store.reading() as connection:
        found = trace_search.find(connection, search)
        result = traces_data(connection, found)
    return _json({"result": result}) if found else _error(404, "No traces found")


def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    """GET /api/v3/traces/<trace_id>: leading zeros may be left out, as with Jaeger."""
    if not re.fullmatch(r"[0-9a-fA-F]{1,32}", trace_id):
        return _error(400, "malformed parameter trace_id: it is 1 to 32 hexadecimal digits")
    with console_of(request).store.reading() as connection:
        result = traces_data(connection, [bytes.fromhex(trace_id.zfill(32))])
    return _json({"result": result}) if result["resourceSpans"] else _error(404, "trace not found")


def _search(parameters: QueryDict) -> trace_search.Search:
    start, end = (
        _parameter(parameters, f"query.{camel}", f"query.{snake}")
        for camel, snake in (("startTimeMin", "start_time_min"), ("startTimeMax", "start_time_max"))
    )
    return trace_search.Search(
        service=_parameter(parameters, "query.serviceName", "query.service_name"),
        operation=_parameter(parameters, "query.operationName", "query.operation_name"),
        start_ns=_time_ns("query.startTimeMin", start) if start else 0,
        end_ns=_time_ns("query.startTimeMax", end) if end else LATEST_NS,
        duration_min_ns=_duration_ns(parameters, "query.durationMin", "query.duration_min"),
        duration_max_ns=_duration_ns(parameters, "query.durationMax", "query.duration_max"),
        attributes=_attributes(parameters.get("query.attributes", "")),
        depth=_depth(parameters),
    )


def _parameter(parameters: QueryDict, *names: str) -> str:
    return next((str(parameters[name]) for name in names if parameters.get(name)), "")


def _time_ns(name: str, value: str) -> int:
    """RFC 3339 with up to nine digits of a second."""
    matched = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", value)
    if not matched:
        raise ParameterError(f"malformed parameter {name}: RFC 3339 is accepted, as in 2026-01-31T12:00:00Z")
    try:
        zone = matched[3].upper().replace("Z", "+00:00")
        seconds = int(datetime.fromisoformat(matched[1].upper() + zone).timestamp())
    except ValueError as fault:
        raise ParameterError(f"malformed parameter {name}: {fault}") from fault
    return seconds * 10**9 + int((matched[2] or "0").ljust(9, "0"))


def _duration_ns(parameters: QueryDict, *names: str) -> int | None:
    """A duration as Go writes it: 1.5s, 200ms, 1m30s."""
    value = _parameter(parameters, *names)
    if not value:
        return None
    parts = _DURATION.findall(value)
    if "".join(number + unit for number, unit in parts) != value:
        raise ParameterError(f"malformed parameter {names[0]}: a duration such as 200ms or 1.5s is accepted")
    return min(int(sum(float(number) * _UNIT_NS[unit] for number, unit in parts)), 2**63 - 1)


def _attributes(value: str) -> dict[str, str]:
    try:
        parsed = orjson.loads(value or "{}")
    except orjson.JSONDecodeError as fault:
        raise ParameterError(f"malformed parameter query.attributes: {fault}") from fault
    if not isinstance(parsed, dict) or not all(isinstance(item, str) for item in parsed.values()):
        raise ParameterError("malformed parameter query.attributes: a JSON object of strings is accepted")
    return parsed


def _depth(parameters: QueryDict) -> int:
    value = _parameter(parameters, "query.searchDepth", "query.search_depth", "query.num_traces")
    if not value:
        return _DEFAULT_DEPTH
    if not (value.isascii() and value.isdigit()):
        raise ParameterError("malformed parameter query.searchDepth: a whole number is accepted")
    return min(int(value), limits.PAGE_ROWS)


def _json(data: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type="application/json")


def _error(status: int, message: str) -> HttpResponse:
    return _json({"error": {"httpCode": status, "message": message}}, status)
