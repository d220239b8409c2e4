"""What happened under one correlation ID, as steps in time order, from the spans and log lines of all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from django_observe.console import outcomes, queue_waits
from django_observe.console.formatting import visible
from django_observe.console.peers import CALL, DATABASE, Peer, peer_of
from django_observe.console.severity import LEVELS, level_name
from django_observe.console.step import Kind, Step
from django_observe.console.values import first_text

_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_NAME_CHARS: Final = 200
_MAIL_SPAN: Final = re.compile(r"\bsmtp\b|\b(e-?)?mails?\b|send_mail", re.IGNORECASE)
_MAIL_LINE: Final = re.compile(
    r"\bby (e-?)?mail\b|\bmailed\b"
    r"|\b(e-?)?mails?\b.*\b(sent|delivered|fail\w*|refused|bounced)\b"
    r"|\b(sent|sending|delivered|deliver)\b.*\b(e-?)?mails?\b",
    re.IGNORECASE,
)
_OWN_LINES: Final = frozenset({"request", "task"})
_RESTATING: Final = "django.request"
"""Django's logger of what a response's status says already."""


class Story:
    """Steps of the spans and log lines given; both in time order."""

    def __init__(self, spans: Sequence[Any], logs: Sequence[Any]) -> None:
        self._spans = {span["span_id"]: span for span in spans}
        self._attrs: dict[bytes, dict[str, Any]] = {
            span["span_id"]: orjson.loads(span["attrs"]) for span in spans
        }
        self._asked = {span["parent_id"] for span in spans if span["kind"] == _SERVER}
        self._heard = {producer["span_id"] for producer in map(self._producer, spans) if producer is not None}
        self._steps: dict[bytes, Step] = {}
        self._owners: dict[bytes, Step | None] = {}
        for span in spans:
            step = self._step(span)
            if step:
                self._steps[span["span_id"]] = step
        self._relate()
        mails = list(self._mails(logs))
        self.steps = sorted([*self._steps.values(), *mails], key=lambda step: step.start_ns)
        self._count_lines(logs)

    def _step(self, span: Any) -> Step | None:
        kind, attrs = self._kind(span), self._attrs[span["span_id"]]
        if kind is None:
            return None
        outcome = outcomes.of(kind, span, attrs)
        return Step(
            id=span["span_id"].hex(),
            kind=kind,
            service=span["service"],
            lane=self._host(span) if kind == "call" else span["service"],
            name=visible(self._name(kind, span)[:_NAME_CHARS]),
            start_ns=span["start_ns"],
            end_ns=span["start_ns"] + span["dur_ns"],
            trace_id=span["trace_id"].hex(),
            state=outcome.state,
            outcome=outcome.text,
            fault=outcome.fault,
            task_id=first_text(attrs, "messaging.message.id") or "" if kind == "task" else "",
        )

    def _kind(self, span: Any) -> Kind | None:
        """None for spans that are part of a step and no step of their own."""
        attrs = self._attrs[span["span_id"]]
        if span["kind"] == _SERVER:
            return "request"
        if span["kind"] == _CONSUMER:
            return "task" if "celery.action" in attrs or "celery.task_name" in attrs else "message"
        if span["kind"] != _PRODUCER and _MAIL_SPAN.search(span["name"]) and self._peer(span).type == CALL:
            return "mail"
        if span["kind"] == _CLIENT and span["span_id"] not in self._asked and self._host(span):
            return "call"
        if span["kind"] == _PRODUCER:
            return None if span["span_id"] in self._heard else "publish"
        return None if span["parent_id"] in self._spans else "work"

    def _name(self, kind: Kind, span: Any) -> str:
        """As people call it: the task's name, of a call also which path."""
        attrs, name = self._attrs[span["span_id"]], str(span["name"])
        if kind in ("task", "publish"):
            return first_text(attrs, "celery.task_name") or name.removeprefix("run/")
        url = first_text(attrs, "url.full", "http.url") if kind == "call" and " " not in name else None
        return f"{name} {_path(url)}" if url else name

    def _host(self, span: Any) -> str:
        peer = self._peer(span)
        return visible(peer.name) if peer.type == CALL else ""

    def _peer(self, span: Any) -> Peer:
        return peer_of(self._attrs[span["span_id"]], producer=False)

    def _relate(self) -> None:
        """Who caused whom, who waited how long, and what each asked of a database."""
        for span_id, step in self._steps.items():
            span, attrs = self._spans[span_id], self._attrs[span_id]
            producer = self._producer(span)
            above = self._owner(producer or span, own=producer is not None)
            step.parent = above.id if above else ""
            if span["kind"] == _CONSUMER:
                queue_waits.set_waits(step, attrs, producer)
        for span in self._spans.values():
            if span["kind"] == _CLIENT and self._peer(span).type == DATABASE:
                owner = self._owner(span)
                if owner:
                    owner.queries += 1
                    owner.query_ns += span["dur_ns"]
        queue_waits.join_attempts(self._steps.values())
        outcomes.settle_unsent(list(self._steps.values()))

    def _producer(self, span: Any) -> Any:
        """The span that published what this one consumes: its parent, or one that it links to."""
        if span["kind"] != _CONSUMER:
            return None
        links = [bytes.fromhex(link["span_id"]) for link in orjson.loads(span["links"])]
        known = (self._spans.get(one) for one in [span["parent_id"], *links] if one)
        return next((one for one in known if one and one["kind"] == _PRODUCER), None)

    def _owner(self, span: Any, *, own: bool = False) -> Step | None:
        """The step that a span is part of; a cycle of parents ends the search, and no way is gone twice."""
        at = span["span_id"] if own else span["parent_id"]
        seen: set[bytes] = set()
        while at in self._spans and at not in seen and at not in self._steps and at not in self._owners:
            seen.add(at)
            at = self._spans[at]["parent_id"]
        found = self._steps.get(at) or self._owners.get(at)
        self._owners.update(dict.fromkeys(seen, found))
        return found

    def _mails(self, logs: Sequence[Any]) -> Iterator[Step]:
        """Log lines that tell of a mail, where no span does."""
        told = {step.service for step in self._steps.values() if step.kind == "mail"}
        for log in logs:
            if log["service"] in told or not _MAIL_LINE.search(log["body"][:_NAME_CHARS]):
                continue
            if _event(log) not in _OWN_LINES:
                yield _mail(log)

    def _count_lines(self, logs: Sequence[Any]) -> None:
        for log in logs:
            span = self._spans.get(log["span_id"])
            owner = self._owner(span, own=True) if span else None
            if owner:
                owner.lines.append(log["id"])
                if log["sev"] >= LEVELS["WARNING"] and not _restates(log):
                    owner.warning = visible(log["body"][:_NAME_CHARS])


def _path(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:
        return ""


def _event(log: Any) -> object:
    attrs: Mapping[str, Any] = orjson.loads(log["attrs"])
    return attrs.get("event")


def _restates(log: Any) -> bool:
    """Whether a line tells no more than the step's own outcome."""
    attrs: Mapping[str, Any] = orjson.loads(log["attrs"])
    return attrs.get("event") in _OWN_LINES or attrs.get("logger") == _RESTATING


def _mail(log: Any) -> Step:
    level = level_name(log["sev"])
    bad = LEVELS[level] >= LEVELS["WARNING"]
    return Step(
        id=f"log-{log['id']}", kind="mail", service=log["service"], lane=log["service"],
        name=visible(log["body"][:_NAME_CHARS].partition("\n")[0]),
        start_ns=log["ts"], end_ns=log["ts"], trace_id="",
        state="bad" if bad else "ok", outcome="failed" if bad else "sent", fault=visible(log["error"]),
        lines=[log["id"]],
    )  # fmt: skip
