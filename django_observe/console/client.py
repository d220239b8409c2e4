"""Talks to a running console, for the commands that need one."""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

TOKEN_VARIABLE: Final = "DJANGO_OBSERVE_CONSOLE_TOKEN"  # noqa: S105 - a name
_DEFAULT: Final = "http://127.0.0.1:8088"
_TIMEOUT_SECONDS: Final = 40


class ConsoleError(Exception):
    """The console answered with an error; the text is what it said."""


class AwayError(Exception):
    """No console answers; the text says where and what to do."""


@dataclass(frozen=True)
class Client:
    """`url` is where the pages are; the printed one with its token will do."""

    url: str
    token: str = ""

    def json(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """The parsed answer. Raises ConsoleError, AwayError."""
        return json.loads(self.get(path, query))

    def get(self, path: str, query: Mapping[str, object] | None = None) -> bytes:
        """The answer's body. Raises ConsoleError, AwayError."""
        told = {name: value for name, value in (query or {}).items() if value not in ("", None)}
        return self._ask("GET", self.url, f"{path}?{urlencode(told)}" if told else path, None)

    def post(self, endpoint: str, path: str, message: object) -> Any:
        """Sends OTLP/JSON to `endpoint`, the receiving port's address. Raises ConsoleError, AwayError."""
        body = gzip.compress(json.dumps(message).encode(), 6)
        return json.loads(self._ask("POST", endpoint, path, body))

    def _ask(self, method: str, base: str, target: str, body: bytes | None) -> bytes:
        parts = urlsplit(base)
        headers = {"X-Observe-Token": self.token} if self.token else {}
        if body is not None:
            headers |= {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port, timeout=_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            raise AwayError(
                f"no console answers at {base} ({fault}). Start one with `django-observe console`, "
                "or name it by --console."
            ) from fault
        finally:
            connection.close()
        if answer.status == http.client.UNAUTHORIZED:
            raise ConsoleError(f"{base} asks for its token: give --console the address that it printed.")
        if answer.status != http.client.OK:
            raise ConsoleError(_reason(content) or f"{base} answered {answer.status}; is it the console?")
        return content


def _reason(content: bytes) -> str:
    """The text of an error, which may be JSON; none if it is a page."""
    text = content.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return ""
    try:
        data = json.loads(text)
    except ValueError:
        return text[:500]
    return str(data.get("error") or data.get("message") or text) if isinstance(data, dict) else text[:500]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the console is, and whether to paint."""
    parser.add_argument(
        "--console",
        default=_DEFAULT,
        metavar="URL",
        help="address of its pages, as printed when it started (default: %(default)s); a token may also be "
        f"in {TOKEN_VARIABLE}",
    )
    parser.add_argument(
        "--colour",
        choices=("auto", "always", "never"),
        default="auto",
        help="whether to colour (default: %(default)s)",
    )


def of(arguments: argparse.Namespace) -> Client:
    """The client that the arguments name. Raises ConsoleError."""
    try:
        parts = urlsplit(arguments.console if "//" in arguments.console else f"http://{arguments.console}")
        _ = parts.port  # read to be checked
    except ValueError as fault:
        raise ConsoleError(f"--console {arguments.console} is no address ({fault})") from fault
    token = parse_qs(parts.query).get("token", [""])[0] or os.environ.get(TOKEN_VARIABLE, "")
    return Client(f"http://{parts.netloc}", token)
