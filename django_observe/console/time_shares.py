"""Where the time of a trace went: its critical path added up by who was waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from django_observe.console.critical_path import CriticalPath
from django_observe.console.peers import peer_of
from django_observe.console.span_tree import Node

_CLIENT, _PRODUCER, _CONSUMER = 3, 4, 5
_MOST: Final = 7
_Kind = Literal["code", "call", "publish", "queue", "wait", "rest"]


@dataclass(frozen=True)
class Share:
    """What a service did: run its own code, wait for a call to `peer`, publish to it, wait in a queue."""

    kind: _Kind
    service: str
    peer: str
    ns: int


def shares(path: CriticalPath) -> list[Share]:
    """The largest first; what is beyond the seventh is added up as the rest."""
    sums: dict[tuple[_Kind, str, str], int] = {}
    for node, stretches in path.own.items():
        key = _asked(node)
        sums[key] = sums.get(key, 0) + sum(end - start for start, end in stretches)
    for node, (start, end) in path.waits.items():
        queued = node.record is not None and node.record["kind"] == _CONSUMER
        service = node.record["service"] if node.record else ""
        waited: tuple[_Kind, str, str] = ("queue" if queued else "wait", service, "")
        sums[waited] = sums.get(waited, 0) + end - start
    found = [Share(*key, ns) for key, ns in sorted(sums.items(), key=lambda item: -item[1])]
    return found if len(found) <= _MOST else [*found[: _MOST - 1], _rest(found[_MOST - 1 :])]


def laid_out(found: Sequence[Share]) -> list[tuple[Share, float, float]]:
    """Each share with its left edge and width, in percent of them all."""
    total, left, placed = sum(share.ns for share in found) or 1, 0, []
    for share in found:
        placed.append((share, round(left * 100 / total, 2), round(share.ns * 100 / total, 2)))
        left += share.ns
    return placed


def _asked(node: Node) -> tuple[_Kind, str, str]:
    """A call's own time is that of whoever it went to: no span tells what happened there."""
    record = node.record or {}
    if record["kind"] not in (_CLIENT, _PRODUCER):
        return "code", record["service"], ""
    peer = peer_of(node.attrs, producer=record["kind"] == _PRODUCER)
    kind: _Kind = "publish" if record["kind"] == _PRODUCER else "call"
    return kind, record["service"], peer.name or record["name"]


def _rest(small: Sequence[Share]) -> Share:
    return Share("rest", "", "", sum(share.ns for share in small))
