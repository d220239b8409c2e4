"""Messages that Django and servers log of a request: paths and people in them as on our own lines.

Where a line's arguments are known they are masked, and else what looks like a path or an address in it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, Final

from django.http import HttpRequest

from django_observe import persons, trust
from django_observe.pathtext import path_of
from django_observe.querytext import scrub_query
from django_observe.redaction import MAX_TEXT, cut
from django_observe.secretnames import MASK, is_secret
from django_observe.urltext import scrub_url

NOBODY: Final = "-"
"""What access logs have in place of what is not known (NCSA's common log format)."""

_SERVERS: Final = (
    "gunicorn.",
    "uvicorn.",
    "daphne.",
    "hypercorn.",
    "django.server",
    "django.channels.server",
)
_PASSWORD_RESET: Final = "Failed to send password reset email to %s"  # noqa: S105 - a message
_REQUEST: Final = '"%s" %s %s'
_WEBSOCKET: Final = '%s - "WebSocket %s" '
_OF_A_REQUEST: Final = 3
"""Words of a request line (RFC 9112, section 3)."""

_PATH: Final = re.compile(
    r"((?:\b(?:\w{3,16}|request) |\buri=)(?:https?://[^\s/\"']{1,256})?)"
    r"(/(?:[^\s?\"'<>]|'(?![\s>)\]},:]|\Z))*)"
)
_ADDRESS: Final = re.compile(
    r"(?P<before>^|\bip=|[\[(]'?|, )"
    r"(?P<address>(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f.:]{0,39})"
    r"(?P<port>:\d{1,5}|', ?\d{1,5})?(?![\w.])",
    re.IGNORECASE,
)


def teller(name: str) -> Callable[[logging.LogRecord], str] | None:
    """What makes the messages of a logger, if it is Django's or a server's that tell of clients.

    It raises whatever an argument's text, or one that does not fit the message, raises.
    """
    return _BY_NAME.get(name) or (of_server if name.startswith(_SERVERS) else None)


def without_path(message: str, request: HttpRequest) -> str:
    """Django writes the path as it is or, from 5.2.2 on, escaped."""
    told = path_of(request)
    if len(request.path) > 1 and request.path != told:
        message = message.replace(request.path, told)
        message = message.replace(_escaped(request.path), _escaped(told))
    return message


def of_server(record: logging.LogRecord) -> str:
    """A line of any server, by what paths and addresses look like in it."""
    message = cut(record.getMessage(), 2 * MAX_TEXT)
    message = _PATH.sub(lambda found: found[1] + scrub_url(found[2]), message)
    return _ADDRESS.sub(_told_address, message)


def _escaped(path: str) -> str:
    return path.encode("unicode_escape").decode("ascii")


def _of_users(record: logging.LogRecord) -> str:
    if record.msg == _PASSWORD_RESET and type(record.args) is tuple:
        return _PASSWORD_RESET % (persons.told_key(str(record.args[0])) or NOBODY)
    return record.getMessage()


def _of_access(record: logging.LogRecord) -> str:
    """Of gunicorn or hypercorn, whose format may have user, referer, agent and any header."""
    if not isinstance(record.args, dict):
        return of_server(record)
    message, atoms = str(record.msg), copy(record.args)
    for name, mask in _ATOMS.items():
        if name in atoms and f"%({name})" in message:
            atoms[name] = mask(str(atoms[name])) or NOBODY
    if "}i)" in message or "}o)" in message or "}e)" in message:
        for name in atoms:
            if name.startswith("{"):
                atoms[name] = _header(name[1:-2], str(atoms[name])) or NOBODY
    return message % atoms


def _of_uvicorn(record: logging.LogRecord) -> str:
    """Its client may be any text of a trusted proxy's X-Forwarded-For."""
    message, args = str(record.msg), record.args
    if type(args) is not tuple or not message.startswith((_WEBSOCKET, '%s - "%s %s ')):
        return of_server(record)
    place = 1 if message.startswith(_WEBSOCKET) else 2
    return message % (_client(str(args[0])), *args[1:place], scrub_url(str(args[place])), *args[place + 1 :])


def _of_runserver(record: logging.LogRecord) -> str:
    if record.msg != _REQUEST or type(record.args) is not tuple:
        return of_server(record)
    return _REQUEST % (_request_line(str(record.args[0])), *record.args[1:])


def _of_daphne(record: logging.LogRecord) -> str:
    args = record.args
    if not isinstance(args, Mapping) or not {"path", "client"} <= args.keys():
        return of_server(record)
    told = {"path": scrub_url(str(args["path"])), "client": _client(str(args["client"]))}
    return str(record.msg) % {**args, **told}


def _request_line(line: str) -> str:
    words = line.split(" ")
    return f"{words[0]} {scrub_url(words[1])} {words[2]}" if len(words) == _OF_A_REQUEST else MASK


def _client(text: str) -> str:
    """An address, with the port if that may be told; a name or nonsense in its place comes from a header."""
    host, _, port = text.rpartition(":")
    address = persons.client_ip(host) if port.isdecimal() else None
    if address is None:
        return persons.client_ip(text) or NOBODY
    return address if persons.client_port(1) is None else f"{address}:{port}"


def _header(name: str, value: str) -> str | None:
    """A header, or a variable of WSGI's, in an access log: addresses, URLs and secrets masked."""
    if is_secret(name):
        return MASK
    if "agent" in name.lower():
        return persons.user_agent(value)
    if trust.parsed(value.partition(",")[0].strip()) is not None:
        return ", ".join(persons.client_ip(each.strip()) or NOBODY for each in value.split(","))
    return scrub_url(value) if value.startswith("/") or "://" in value else value


def _told_address(found: re.Match[str]) -> str:
    if trust.parsed(found["address"]) is None:
        return found[0]
    port = found["port"] or ""
    if persons.client_port(1) is None:
        port = "'" if port.startswith("'") else ""
    return f"{found['before']}{persons.client_ip(found['address']) or NOBODY}{port}"


_ATOMS: Final[dict[str, Callable[[str], Any]]] = {
    "h": _client,
    "u": lambda user: user != NOBODY and persons.told_key(user),
    "r": _request_line,
    "R": _request_line,
    "U": scrub_url,
    "q": scrub_query,
    "f": scrub_url,
    "a": persons.user_agent,
}
_BY_NAME: Final[dict[str, Callable[[logging.LogRecord], str]]] = {
    "django.contrib.auth": _of_users,
    "django.server": _of_runserver,
    "django.channels.server": _of_daphne,
    "gunicorn.access": _of_access,
    "hypercorn.access": _of_access,
    "uvicorn.access": _of_uvicorn,
    "uvicorn.error": _of_uvicorn,
}
