"""How a step ended: a word or two, whether that is good, and the error's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from django_observe.console.formatting import visible
from django_observe.console.step import Kind, State, Step
from django_observe.console.values import first_text

_STATUS_ERROR: Final = 2
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_FAULT_CHARS: Final = 300
_TASK_STATES: Final[dict[str, tuple[State, str]]] = {
    "SUCCESS": ("ok", "done"),
    "RETRY": ("retry", "retried"),
    "FAILURE": ("bad", "failed"),
    "REVOKED": ("bad", "revoked"),
    "REJECTED": ("bad", "rejected"),
    "IGNORED": ("ok", "ignored"),
}


class Outcome(NamedTuple):
    """`state` decides the mark, `text` is shown beside it, `fault` is the error."""

    state: State
    text: str
    fault: str = ""


def of(kind: Kind, span: Any, attrs: Mapping[str, Any]) -> Outcome:
    """Of a step of this kind, from the span that tells it."""
    if kind == "publish" and span["status"] != _STATUS_ERROR:
        return Outcome("open", "no consumer seen yet")
    if kind == "mail" and span["status"] != _STATUS_ERROR:
        return Outcome("ok", "sent")
    return of_request(span) if kind in ("request", "call") else of_task(span, attrs)


def of_request(span: Any) -> Outcome:
    """Of a server's or client's span: its HTTP status, or that it failed without one."""
    failed = span["status"] == _STATUS_ERROR or (span["http"] or 0) >= _SERVER_ERROR
    text = str(span["http"] or ("failed" if failed else "done"))
    if failed:
        return Outcome("bad", text, fault_of(span))
    return Outcome("retry" if (span["http"] or 0) >= _CLIENT_ERROR else "ok", text)


def of_task(span: Any, attrs: Mapping[str, Any]) -> Outcome:
    """Of a Celery task's span by its state, of other spans by their status."""
    state = str(attrs.get("celery.state", ""))
    failed = span["status"] == _STATUS_ERROR
    known: tuple[State, str] = _TASK_STATES.get(state, ("bad", "failed") if failed else ("ok", "done"))
    reason = first_text(attrs, "celery.retry.reason")
    fault = visible(reason[:_FAULT_CHARS]) if reason else fault_of(span) if known[0] != "ok" else ""
    return Outcome(*known, fault)


def settle_unsent(steps: Sequence[Step]) -> None:
    """A publication that failed is unsent until a consumer ran it: an outbox, say, sends it again."""
    ran = {step.name: step.start_ns for step in steps if step.kind in ("task", "message")}
    for step in steps:
        if step.kind == "publish" and step.state == "bad":
            sent = ran.get(step.name, 0) > step.start_ns
            step.state, step.outcome = ("retry", "sent later") if sent else ("bad", "still unsent")


def fault_of(span: Any) -> str:
    """The status message, or the exception that the span recorded."""
    if span["status_msg"]:
        return visible(span["status_msg"][:_FAULT_CHARS])
    for event in orjson.loads(span["events"]):
        kind = first_text(event["attrs"], "exception.type")
        if kind:
            message = first_text(event["attrs"], "exception.message") or ""
            return visible(f"{kind.rpartition('.')[2]}: {message}"[:_FAULT_CHARS])
    return ""
