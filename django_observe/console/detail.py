"""What opens under a span or a log line: attributes, events, exception, links; masked and made visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from django_observe.console import stack_traces
from django_observe.console.formatting import moment, offset, visible
from django_observe.console.masking import REDACTED, masked
from django_observe.console.stack_traces import StackTrace

_LONG: Final = 160
_STACKS: Final = ("stack", "exception.stacktrace", "stack_info")
_GROUPS: Final = {
    "HTTP": ("http.", "url.", "server.", "client.", "network.", "user_agent.", "net."),
    "Database": ("db.",),
    "Messaging": ("messaging.", "celery."),
    "Error": ("exception.", "error"),
}
_OTHER: Final = "Attributes"
_SHOWN_ELSEWHERE: Final = frozenset({"correlation_id", "logger"})


@dataclass(frozen=True)
class Attribute:
    """A key and its value as text; `block` when the value wants lines of its own.

    `where` is the condition by which the trace list finds the same value; empty for what cannot be searched.
    """

    key: str
    value: str
    block: bool = False
    where: str = ""


@dataclass(frozen=True)
class Group:
    """Attributes that belong together."""

    name: str
    attributes: Sequence[Attribute]


@dataclass(frozen=True)
class Event:
    """An event of a span; `stack` is the exception's trace, if it carries one."""

    name: str
    offset: str
    attributes: Sequence[Attribute]
    stack: str
    trace: StackTrace | None = None


@dataclass(frozen=True)
class Detail:
    """Everything there is to read about one span or log line."""

    facts: Sequence[Attribute]
    attributes: Sequence[Attribute]
    groups: Sequence[Group] = ()
    stack: str = ""
    trace: StackTrace | None = None
    message: str = ""
    events: Sequence[Event] = ()
    correlation_id: str = ""
    trace_id: str = ""


def of_span(span: Any, trace_start_ns: int, resource: Mapping[str, Any]) -> Detail:
    """The detail of a stored span."""
    attrs = masked(orjson.loads(span["attrs"]))
    facts = {
        "span": span["span_id"].hex(),
        "started": f"{moment(span['start_ns'])} ({offset(span['start_ns'] - trace_start_ns)})",
        "scope": span["scope"],
        "status": span["status_msg"],
        **_resource_facts(resource),
    }
    return Detail(
        facts=_attributes({key: value for key, value in facts.items() if value}),
        attributes=_attributes(_by_key(attrs)),
        groups=_groups(_attributes(_by_key(attrs), searched=True)),
        events=[_event(event, trace_start_ns) for event in orjson.loads(span["events"])],
        correlation_id=visible(span["corr"] or ""),
    )


def of_log(log: Any, resource: Mapping[str, Any]) -> Detail:
    """The detail of a stored log line."""
    attrs = masked(orjson.loads(log["attrs"]))
    stack = next((str(attrs.pop(key)) for key in _STACKS if attrs.get(key)), "")
    facts = {
        "time": moment(log["ts"]),
        "logger": log["logger"],
        "span": log["span_id"].hex() if log["span_id"] else "",
        **_resource_facts(resource),
    }
    return Detail(
        facts=_attributes({key: value for key, value in facts.items() if value}),
        attributes=_attributes(_by_key(attrs)),
        groups=_groups(_attributes(_by_key(attrs), searched=True)),
        stack=visible(stack),
        trace=stack_traces.read(visible(stack)) if stack else None,
        message=visible(log["body"]),
        correlation_id=visible(log["corr"] or ""),
        trace_id=log["trace_id"].hex() if log["trace_id"] else "",
    )


def _resource_facts(resource: Mapping[str, Any]) -> dict[str, str]:
    parts = (resource.get("service.name"), resource.get("service.version"))
    return {
        "service": " ".join(str(part) for part in parts if part),
        "environment": str(resource.get("deployment.environment.name") or ""),
        "instance": str(resource.get("service.instance.id") or ""),
    }


def _event(event: Mapping[str, Any], trace_start_ns: int) -> Event:
    attrs = masked(event["attrs"])
    stack = next((str(attrs.pop(key)) for key in _STACKS if attrs.get(key)), "")
    return Event(
        visible(event["name"]),
        offset(event["ts"] - trace_start_ns),
        _attributes(attrs),
        visible(stack),
        stack_traces.read(visible(stack)) if stack else None,
    )


def _by_key(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: attrs[key] for key in sorted(attrs) if key not in _SHOWN_ELSEWHERE}


def _attributes(attrs: Mapping[str, Any], *, searched: bool = False) -> list[Attribute]:
    found = []
    for key, value in attrs.items():
        text = visible(value if isinstance(value, str) else orjson.dumps(value).decode())
        block = "\n" in text or len(text) > _LONG
        plain = isinstance(value, str | int | float) and not block and value != REDACTED
        found.append(Attribute(visible(key), text, block, f"{key}={text}" if searched and plain else ""))
    return found


def _groups(attributes: Sequence[Attribute]) -> list[Group]:
    grouped: dict[str, list[Attribute]] = {}
    for attribute in attributes:
        name = next((name for name, start in _GROUPS.items() if attribute.key.startswith(start)), _OTHER)
        grouped.setdefault(name, []).append(attribute)
    return [Group(name, grouped[name]) for name in (*_GROUPS, _OTHER) if name in grouped]
