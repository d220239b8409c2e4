"""Loki: are the canary's lines in it, with their IDs as structured metadata? Asked by query_range."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import urlsplit

from django_observe import conf
from django_observe.console import severity
from django_observe.doctor import arrival, onward
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding
from django_observe.doctor.source import Source, SourceError
from django_observe.doctor.timeline import Row
from django_observe.vocabulary import Field

HOP: Final = "Loki"
TENANT: Final = "X-Scope-OrgID"
METADATA_SAID: Final = "structured metadata"
METADATA_OFF: Final = (
    "its limits_config says allow_structured_metadata: false, so it refuses each batch of ours",
    "limits_config:\n  allow_structured_metadata: true",
)
"""Cause and change of a 400 in which Loki says METADATA_SAID."""
NO_TENANT_SAID: Final = "no org id"
NO_TENANT: Final = (
    "auth_enabled: true in its configuration; lines without the header are refused as well",
    f"OTEL_EXPORTER_OTLP_LOGS_HEADERS={TENANT}=TENANT",
)
"""Cause and change of a 401 in which Loki says NO_TENANT_SAID."""
_METADATA_ON: Final = re.compile(rb"^\s*allow_structured_metadata:\s*true\s*$", re.MULTILINE)
_LIMITS: Final = re.compile(rb"^limits_config:\s*$", re.MULTILINE)
_LINES: Final = "500"
_HOUR_NS: Final = 3600 * 10**9
_EVERYTHING: Final = '{service_name=~".+"}'


@dataclass(frozen=True)
class Loki(Source):
    """A Loki, or what is in front of it."""

    def lines(self, query: str, since_ns: int, until_ns: int) -> list[Row]:
        """What a LogQL query finds, oldest first; at most 500 lines. Raises SourceError."""
        path = "/loki/api/v1/query_range"
        told = {"start": str(since_ns), "end": str(until_ns), "limit": _LINES, "direction": "forward"}
        answer = self.json(path, {"query": query, **told})
        try:
            streams = answer["data"]["result"]
            return [_row(one["stream"], at, text) for one in streams for at, text, *_ in one["values"]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self.unlike(path) from None

    def of(self, field: str, identifier: str, since_ns: int, until_ns: int) -> list[Row]:
        """Lines with an ID as structured metadata, or in the JSON that an agent brought from stdout."""
        value = json.dumps(identifier)
        found = self.lines(f"{_EVERYTHING} | {field}={value}", since_ns, until_ns)
        return found or self.lines(f"{_EVERYTHING} |= {value} | json | {field}={value}", since_ns, until_ns)

    def refuses_metadata(self) -> bool:
        """Whether structured metadata is off; also False where its configuration is not shown.

        Loki leaves out what is false, so that only `true` is there to be seen (as 3.7.6 does).
        """
        try:
            shown = self.ask("/config").body
        except SourceError:
            return False
        return bool(_LIMITS.search(shown)) and not _METADATA_ON.search(shown)


def at(url: str) -> Loki:
    """The Loki at `url`, asked as the tenant that lines are sent as."""
    pairs = (item.partition("=") for item in conf.otlp_variable("logs", "HEADERS").split(","))
    told = {name.strip().lower(): value.strip() for name, _, value in pairs}
    tenant = told.get(TENANT.lower())
    return Loki("loki", url, {TENANT: tenant} if tenant else {})


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for the canary's lines; where there are none, for what may keep them out."""
    url = canary.backends.loki
    if url is None:
        yield Finding(HOP, NOT_CONFIGURED, canary.backends.absent(HOP))
        return
    loki = at(url)
    try:
        since, until = canary.started_ns - _HOUR_NS, canary.started_ns + _HOUR_NS
        look = lambda: loki.of(Field.CORRELATION_ID, canary.correlation_id, since, until)  # noqa: E731 - once
        found = arrival.awaited(look, canary, None if conf.exports("logs") else 0)
        told = _told(found, loki) if found else _missing(canary, loki, since, until)
    except SourceError as fault:
        told = _tenantless(fault, url) or fault.finding(HOP)
    yield onward.judged(told, "loki", canary)


def _told(found: list[Row], loki: Loki) -> Finding:
    services = ", ".join(sorted({row["service"] for row in found}))
    count = f"{len(found)} line{'' if len(found) == 1 else 's'}"
    return Finding(HOP, OK, f"{count} of {services} under the canary's ID at {loki.address}")


def _missing(canary: Canary, loki: Loki, since: int, until: int) -> Finding:
    says = f"no line under the canary's ID at {loki.address}"
    if not conf.exports("logs"):
        return _by_agent(loki, since, until)
    if loki.refuses_metadata():
        return Finding(
            HOP,
            BROKEN,
            f"{loki.address} takes no structured metadata, in which OTLP has the IDs",
            *METADATA_OFF,
        )
    if "logs" not in canary.delivered:
        return Finding(HOP, NOT_CONFIGURED, "no line has left this process: see OTLP logs")
    return Finding(HOP, BROKEN, says, onward.cause("logs"), onward.change("logs", f"{loki.address}/otlp"))


def _by_agent(loki: Loki, since: int, until: int) -> Finding:
    """Where an agent takes lines from stdout, this process's own never reach it; the service's do."""
    service = conf.settings().service_name
    lines = loki.lines(f"{{service_name={json.dumps(service)}}}", since, until)
    if lines:
        return Finding(HOP, OK, f"lines of {service} arrive at {loki.address} by an agent")
    says = f"no line of {service} at {loki.address} in the last hour"
    cause = "OTEL_LOGS_EXPORTER is not otlp, and no agent brings what the service writes to stdout"
    change = f"OTEL_LOGS_EXPORTER=otlp\nOTEL_EXPORTER_OTLP_LOGS_ENDPOINT={loki.address}/otlp/v1/logs"
    if loki.refuses_metadata():
        cause = f"{cause}, or it adds structured metadata, which is refused there, as OTLP is"
        change = f"{change}\n{METADATA_OFF[1]}    # in Loki's configuration"
    return Finding(HOP, BROKEN, says, cause, change)


def _tenantless(fault: SourceError, url: str) -> Finding | None:
    """Loki's own answer to a question without a tenant is a 401 that says so."""
    if NO_TENANT_SAID not in fault.says:
        return None
    return Finding(
        HOP,
        BROKEN,
        f"Loki at {urlsplit(url).hostname} keeps tenants apart, and was asked for none",
        *NO_TENANT,
    )


def _row(labels: dict[str, Any], at_ns: str, text: str) -> Row:
    """A line by the names of the console's columns; one that is JSON of ours is read as such."""
    told = _json_line(text)
    body, level = told.get(Field.MESSAGE, text), told.get(Field.LEVEL) or labels.get("severity_text") or ""
    trace_id, span_id = (
        str(told.get(key) or labels.get(key) or "") for key in (Field.TRACE_ID, Field.SPAN_ID)
    )
    return {
        "ts": _time_ns(told.get(Field.TIMESTAMP)) or int(at_ns),
        "service": str(labels.get("service_name") or told.get(Field.SERVICE) or "unknown_service"),
        "sev": severity.LEVELS.get(str(level).upper(), 0),
        "logger": str(told.get(Field.LOGGER) or labels.get(Field.LOGGER) or ""),
        "body": str(body),
        "trace_id": bytes.fromhex(trace_id) or None,
        "span_id": bytes.fromhex(span_id) or None,
        "corr": told.get(Field.CORRELATION_ID) or labels.get(Field.CORRELATION_ID),
        "attrs": "{}",
    }


def _json_line(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) and Field.MESSAGE in parsed else {}


def _time_ns(timestamp: object) -> int:
    """The time of a JSON line of ours, in nanoseconds; 0 if it is none."""
    try:
        moment = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return 0
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1000
