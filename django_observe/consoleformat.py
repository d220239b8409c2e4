"""Log lines for people: aligned, coloured on a terminal, one line per record and the traceback below it."""

from __future__ import annotations

import logging
from typing import Any

from django_observe.json import document
from django_observe.logcontext import is_event
from django_observe.reporting import guard
from django_observe.vocabulary import Event, Field

_RESET, _DIM, _BOLD = "\x1b[0m", "\x1b[2m", "\x1b[1m"
_COLOURS = {
    "DEBUG": "\x1b[2m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[1;31m",
}
_HIDDEN = frozenset(
    {
        *(Field.TIMESTAMP, Field.LEVEL, Field.LOGGER, Field.MESSAGE, Field.SERVICE, Field.ENVIRONMENT),
        *(Field.VERSION, Field.CORRELATION_ID, Field.TRACE_ID, Field.SPAN_ID),
        *(Field.ERROR_TYPE, Field.ERROR_MESSAGE, Field.STACK),
    }
)


class ConsoleFormatter(logging.Formatter):
    """The formatter for a developer's terminal; `colour` adds ANSI colours."""

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the stack below it where there is one."""
        with guard("consoleformat"):
            return self._rendered(document(record), of_ours=is_event(record))
        return "[this record could not be formatted]"

    def _rendered(self, line: dict[str, Any], *, of_ours: bool) -> str:
        level = _printable(str(line[Field.LEVEL]))
        parts = [
            self._painted(line[Field.TIMESTAMP][11:23], _DIM),
            self._painted(f"{level:<8}", _COLOURS.get(level, "")),
        ]
        message = self._painted(_printable(line[Field.MESSAGE]), _BOLD if of_ours else "")
        if of_ours:
            parts += [message, _work(line)]
        else:
            parts += [self._painted(f"{line[Field.LOGGER]:<20}", _DIM), message, self._extras(line)]
        if line[Field.CORRELATION_ID]:
            parts.append(self._painted(line[Field.CORRELATION_ID], _DIM))
        text = "  ".join(part for part in parts if part)
        stack = line.get(Field.STACK)
        return f"{text}\n{_printable(stack, keep_lines=True)}" if stack else text

    def _extras(self, line: dict[str, Any]) -> str:
        pairs = (f"{name}={value}" for name, value in line.items() if name not in _HIDDEN)
        return self._painted(_printable(" ".join(pairs)), _DIM)

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._colour and colour and text else text


def _work(line: dict[str, Any]) -> str:
    """What a request or task did: its queries, outbound calls and time in a queue."""
    told = []
    if line[Field.EVENT] == Event.REQUEST_ABORTED:
        told.append("aborted")
    if count := line.get(Field.DB_COUNT):
        repeat = line.get(Field.DB_REPEAT, 1)
        told.append(_counted(count, "query", "queries") + (f" (repeat {repeat})" if repeat > 1 else ""))
    if count := line.get(Field.HTTP_COUNT):
        told.append(_counted(count, "call", "calls"))
    waited = line.get(Field.QUEUE_WAIT_MS, line.get(Field.QUEUE_MS))
    if waited is not None:
        told.append(f"queued {waited:.1f} ms")
    return "  ".join(told)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _printable(text: str, *, keep_lines: bool = False) -> str:
    """`text` with control characters spelled out, so that no log line can move the cursor or hide another."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or (keep_lines and character in "\n\t")
        else character.encode("unicode_escape").decode()
        for character in text
    )
