"""The real console as a child process, and the requests that tests send it."""

from __future__ import annotations

import http.client
import json
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.processes import Answer, Process

ROOT = Path(__file__).parents[2]
JSON = "application/json"
PROTOBUF = "application/x-protobuf"


class Console:
    """A console that listens; `pages` and `otlp` are its addresses, `token` what it asks for."""

    def __init__(self, process: Process, pages: str, otlp: str, token: str = "") -> None:
        self.token = token
        self.process = process
        self.pages = pages
        self.otlp = otlp

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A page or an API answer."""
        return request("GET", self.pages + path, headers=headers)

    def json(self, path: str, **query: str) -> Any:
        """An API answer that must be 200."""
        answer = self.get(f"{path}?{urlencode(query)}")
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    def post(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """A request to the OTLP port; JSON unless `headers` say otherwise."""
        return request("POST", self.otlp + path, body, {"Content-Type": JSON, **(headers or {})})

    def submit(
        self, page: str, action: str, headers: Mapping[str, str] | None = None, /, **fields: str
    ) -> Answer:
        """A form of `page` sent to `action`, with the page's token; a redirect is not followed."""
        form = self.get(page)
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
        assert token, f"{page} holds no form to send"
        cookie = (form.headers["Set-Cookie"] or "").partition(";")[0]
        body = urlencode({"csrfmiddlewaretoken": token[0], **fields}).encode()
        told = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return request("POST", self.pages + action, body, told)

    def send(self, path: str, message: object) -> Any:
        """OTLP/JSON that must be accepted; the answer."""
        answer = self.post(path, json.dumps(message).encode())
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """All spans of a trace by the JSON API; empty when the trace is unknown."""
        answer = self.get(f"/api/v3/traces/{trace_id}")
        if answer.status == 404:
            return []
        groups = json.loads(answer.body)["result"]["resourceSpans"]
        return [span for group in groups for scope in group["scopeSpans"] for span in scope["spans"]]


def request(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


@contextmanager
def running(*options: str | Path, env: Mapping[str, str | None] | None = None) -> Iterator[Console]:
    """Starts a console on free ports and stops it at the end. Without options it keeps nothing."""
    words = [sys.executable, "-m", "django_observe.cli", "console", "--port", "0", "--otlp-port", "0"]
    with Process([*words, *(options or ("--memory",))], cwd=ROOT, env=env) as process:
        line = process.wait_for_line("receiving OTLP/HTTP")
        entry, otlp = re.findall(r"http://\S+", line)
        pages, _, token = entry.partition("/?token=")
        yield Console(process, pages, otlp, token)


def trace_id() -> str:
    """A trace ID that no other test has."""
    return secrets.token_hex(16)


def span_id() -> str:
    """A span ID that no other test has."""
    return secrets.token_hex(8)
