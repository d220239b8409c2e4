"""Who called whom: an edge for each client's or producer's span, named by the service that answered.

Spans arrive in any order: until the answer's span is there, a call counts towards the service that answered
the last one of the same caller to the same address, or towards the address if none did.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from django_observe.console.peers import CALL, MESSAGING, UNANSWERED, Peer, peer_of
from django_observe.console.tallies import Tallies, bucket_start

_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_STATUS_ERROR = 2
_RECENT: Final = 50_000
_WAITING: Final = 1_000
_ADDRESSES: Final = 2_000
_Key = tuple[bytes, bytes]


class _Measure(NamedTuple):
    """When a span lay, how long it took, and whether it failed."""

    bucket: int
    dur_ns: int
    error: bool


@dataclass
class _Seen:
    """A recent span, and the calls to it or from it as far as they have arrived."""

    service: str = ""
    peer: Peer | None = None
    measure: _Measure | None = None
    named: set[str] = field(default_factory=set)
    waiting: list[tuple[str, int, _Measure]] = field(default_factory=list)
    unanswered: tuple[str, str] = ("", "")


class Calls:
    """Counts edges of spans that were just inserted. Remembers the latest 50,000 spans, 2,000 addresses."""

    def __init__(self) -> None:
        self._seen: OrderedDict[_Key, _Seen] = OrderedDict()
        self._answered: OrderedDict[tuple[str, str], str] = OrderedDict()

    def add(self, row: Any, edges: Tallies) -> None:
        """Counts one span, whether its parent or its children came before it or come later."""
        measure = _Measure(bucket_start(row["listed_ns"]), row["dur_ns"], row["status"] == _STATUS_ERROR)
        seen = self._remember((row["trace_id"], row["span_id"]))
        seen.service, seen.measure = row["service"], measure
        if row["kind"] in (_CLIENT, _PRODUCER):
            seen.peer = peer_of(orjson.loads(row["attrs"]), producer=row["kind"] == _PRODUCER)
            seen.unanswered = self._far_end(seen.service, seen.peer)
            _count(edges, seen, seen.unanswered, measure, 1)
        for service, kind, at in seen.waiting:
            self._answer(edges, seen, service, kind, at)
        seen.waiting.clear()
        if row["kind"] in (_SERVER, _CONSUMER) and row["parent_id"] is not None:
            parent = self._remember((row["trace_id"], row["parent_id"]))
            if parent.measure is None and len(parent.waiting) < _WAITING:
                parent.waiting.append((row["service"], row["kind"], measure))
            elif parent.measure is not None:
                self._answer(edges, parent, row["service"], row["kind"], measure)

    def forget(self) -> None:
        """After a rollback what was seen may not be stored: calls across it stay where they were counted."""
        self._seen.clear()

    def _remember(self, key: _Key) -> _Seen:
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = _Seen()
            if len(self._seen) > _RECENT:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(key)
        return seen

    def _far_end(self, caller: str, peer: Peer) -> tuple[str, str]:
        """Name and type of the edge that a call belongs to as long as nobody answers it."""
        known = self._answered.get((caller, peer.name)) if peer.type == CALL else None
        return (known, UNANSWERED) if known else (peer.name, peer.type)

    def _answer(self, edges: Tallies, parent: _Seen, service: str, kind: int, measure: _Measure) -> None:
        """`service` answered a call: it is what the caller saw of it, counted once however often it answered.

        Without a span of the call itself (the caller does not trace its clients) it is what the answerer saw.
        """
        if parent.peer is None or parent.measure is None:
            if service != parent.service:
                edge_type = MESSAGING if kind == _CONSUMER else CALL
                edges.count(
                    (measure.bucket, parent.service, service, edge_type), measure.dur_ns, measure.error
                )
            return
        self._learn(parent.service, parent.peer, service)
        if service in parent.named:
            return
        if not parent.named:
            _count(edges, parent, parent.unanswered, parent.measure, -1)
        parent.named.add(service)
        _count(edges, parent, (service, parent.peer.type), parent.measure, 1)

    def _learn(self, caller: str, peer: Peer, service: str) -> None:
        if peer.type != CALL or not peer.name:
            return
        self._answered[caller, peer.name] = service
        self._answered.move_to_end((caller, peer.name))
        if len(self._answered) > _ADDRESSES:
            self._answered.popitem(last=False)


def _count(edges: Tallies, caller: _Seen, end: tuple[str, str], measure: _Measure, sign: int) -> None:
    target, edge_type = end
    if caller.peer is not None and target:
        edges.count((measure.bucket, caller.service, target, edge_type), measure.dur_ns, measure.error, sign)
