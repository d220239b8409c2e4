"""What opens under a span or a log line: attributes, events, exception, links; masked and made visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from django_observe.console.formatting import moment, offset, visible
from django_observe.console.masking import masked

_LONG: Final = 160
_STACKS: Final = ("stack", "exception.stacktrace", "stack_info")
_SHOWN_ELSEWHERE: Final = frozenset({"correlation_id", "logger"})


@dataclass(frozen=True)
class Attribute:
    """A key and its value as text; `block` when the value wants lines of its own."""

    key: str
    value: str
    block: bool = False


@dataclass(frozen=True)
class Event:
    """An event of a span; `stack` is the exception's trace, if it carries one."""

    name: str
    offset: str
    attributes: Sequence[Attribute]
    stack: str


@dataclass(frozen=True)
class Detail:
    """Everything there is to read about one span or log line."""

    facts: Sequence[Attribute]
    attributes: Sequence[Attribute]
    stack: str = ""
    message: str = ""
    events: Sequence[Event] = ()
    links: Sequence[Mapping[str, Any]] = ()
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
        events=[_event(event, trace_start_ns) for event in orjson.loads(span["events"])],
        links=orjson.loads(span["links"]),
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
        stack=visible(stack),
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
        visible(event["name"]), offset(event["ts"] - trace_start_ns), _attributes(attrs), visible(stack)
    )


def _by_key(attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: attrs[key] for key in sorted(attrs) if key not in _SHOWN_ELSEWHERE}


def _attributes(attrs: Mapping[str, Any]) -> list[Attribute]:
    found = []
    for key, value in attrs.items():
        text = visible(value if isinstance(value, str) else orjson.dumps(value).decode())
        found.append(Attribute(visible(key), text, block="\n" in text or len(text) > _LONG))
    return found
