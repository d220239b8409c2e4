"""`django-observe import`: traces from a file of OTLP/JSON into a running console."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from django_observe.console import client
from django_observe.console.stored_records import Stored
from django_observe.console.terminal import printable

_Names = tuple[str, str, str]
_Record = tuple[Any, Any, Any]
_AT_ONCE: Final = 500
_SPANS: Final = ("resourceSpans", "scopeSpans", "spans")
_LOGS: Final = ("resourceLogs", "scopeLogs", "logRecords")
_NAMED: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which file."""
    parser.description = (
        "Sends a file of OTLP/JSON to a running console: what `django-observe trace --json` printed, what "
        "Jaeger's API answered, or the lines that a collector's file exporter wrote."
    )
    parser.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    client.add_arguments(parser)
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Sends it and tells where to look. Raises ConsoleError, AwayError."""
    try:
        text = sys.stdin.read() if arguments.file == "-" else Path(arguments.file).read_text("utf-8")
        documents = list(_documents(text))
        spans, lines = list(_records(documents, _SPANS)), list(_records(documents, _LOGS))
    except OSError as fault:
        raise client.ConsoleError(f"{arguments.file} cannot be read: {fault.strerror or fault}") from fault
    except ValueError as fault:
        raise client.ConsoleError(f"{arguments.file} is not OTLP/JSON: {fault}") from fault
    asked = client.of(arguments)
    endpoint = asked.json("/api/status")["endpoint"]
    stored = Stored(asked, _ids([*spans, *lines]))
    new_spans = [one for one in spans if not stored.has_span(one[2])]
    new_lines = [one for one in lines if not stored.has_line(one[2])]
    _send(partial(asked.post, endpoint, "/v1/traces"), new_spans, _SPANS)
    _send(partial(asked.post, endpoint, "/v1/logs"), new_lines, _LOGS)
    traces = _ids(spans)
    sys.stdout.write(_told((spans, lines), (new_spans, new_lines), len(traces)))
    return 0 if _tell(asked, traces) else 1


def _told(
    found: tuple[list[_Record], list[_Record]], sent: tuple[list[_Record], list[_Record]], traces: int
) -> str:
    """What the file has, and what of it is new."""
    in_file, new = (tuple(map(len, both)) for both in (found, sent))
    known = [all_of_them - fresh for all_of_them, fresh in zip(in_file, new, strict=True)]
    text = (
        f"The file has {_counted(*in_file)} of {traces} trace{'s' * (traces != 1)}. Sent: {_counted(*new)}."
    )
    return f"{text} There already: {_counted(*known)}.\n" if any(known) else f"{text}\n"


def _counted(spans: int, lines: int) -> str:
    return f"{spans} span{'s' * (spans != 1)} and {lines} log line{'s' * (lines != 1)}"


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """One document, or one per line."""
    try:
        found = [json.loads(text)]
    except ValueError:
        found = [json.loads(line) for line in text.split("\n") if line.strip()]  # splitlines parts more
    if not found:
        raise ValueError("it is empty")
    for one in found:
        inner = one.get("result", one) if isinstance(one, dict) else None
        if not isinstance(inner, dict) or not (_SPANS[0] in inner or _LOGS[0] in inner):
            raise ValueError(f"neither {_SPANS[0]} nor {_LOGS[0]} is in it")
        yield inner


def _records(documents: list[dict[str, Any]], names: _Names) -> Iterator[_Record]:
    """(resource, scope, record) of each span or log line. Raises ValueError."""
    groups, scopes, records = names
    for document in documents:
        for group in _objects(document, groups):
            for scope in _objects(group, scopes):
                for record in _objects(scope, records):
                    yield group.get("resource", {}), scope.get("scope", {}), record


def _objects(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = parent.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"{name} is not a list of objects")
    return found


def _id(record: _Record) -> str:
    return str(record[2].get("traceId", "")).lower()


def _ids(records: list[_Record]) -> list[str]:
    return list(dict.fromkeys(map(_id, records)))


def _send(post: Callable[[object], Any], found: list[_Record], names: _Names) -> int:
    """In requests that the receiver's bounds allow; how many records were sent."""
    groups, scopes, records = names
    for start in range(0, len(found), _AT_ONCE):
        message = [
            {"resource": resource, scopes: [{"scope": scope, records: [record]}]}
            for resource, scope, record in found[start : start + _AT_ONCE]
        ]
        answer = post({groups: message})
        if refused := answer.get("partialSuccess", {}).get("errorMessage"):
            sys.stderr.write(f"django-observe: some were refused: {refused}\n")
    return len(found)


def _tell(asked: client.Client, traces: list[str]) -> bool:
    """Where to look; a trace that was evicted lately is not taken back."""
    kept = [trace_id for trace_id in traces[:_NAMED] if _is_kept(asked, trace_id)]
    for trace_id in traces[:_NAMED]:
        if trace_id in kept:
            sys.stdout.write(f"{asked.url}/trace/{trace_id}\n")
        else:
            sys.stderr.write(
                f"django-observe: {printable(trace_id)} was not kept: it was evicted a short while ago\n"
            )
    return len(kept) == len(traces[:_NAMED])


def _is_kept(asked: client.Client, trace_id: str) -> bool:
    try:
        asked.get(f"/trace/{quote(trace_id, safe='')}.txt")
    except client.ConsoleError:
        return False
    return True
