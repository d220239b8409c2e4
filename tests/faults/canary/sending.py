"""The requests that plant canaries in a web server, as its clients send them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.faults.canary.values import Plant, canary, slug

Sent = dict[str, Any]

CARRYING: dict[str, Callable[[str], Sent]] = {
    "query": lambda value: {"params": {"page": value}},
    "query, logged": lambda value: {"params": {"token": value}},
    "header": lambda value: {"headers": {"X-Shop": value}},
    "header: Authorization, Bearer": lambda value: {"headers": {"Authorization": f"Bearer {value}"}},
    "header: Authorization, Basic": lambda value: {
        "headers": {"Authorization": f"Basic {b64encode(f'shop:{value}'.encode()).decode()}"}
    },
    "header: User-Agent": lambda value: {"headers": {"User-Agent": f"shop/{value}"}},
    "header: Referer": lambda value: {"headers": {"Referer": f"https://shop.example/?code={value}"}},
    "header: X-Forwarded-For": lambda value: {"headers": {"X-Forwarded-For": value}},
    "header: correlation ID, too odd to be one": lambda value: {
        "headers": {"X-Correlation-ID": f"<{value}>"}
    },
    "cookie": lambda value: {"cookies": {"sessionid": value}},
    "body": lambda value: {"json": {"note": value}},
    "body, logged": lambda value: {"json": {"password": value}},
    "form": lambda value: {"data": {"note": value}},
    "form, logged": lambda value: {"data": {"password": value}},
    "form: multipart": lambda value: {"data": {"note": value}, "files": {"file": ("a.txt", value)}},
    "form: name of a file": lambda value: {"files": {"file": (f"{value}.txt", value)}},
    "request.META in an extra": lambda value: {
        "headers": {
            "Authorization": f"Bearer {value}",
            "X-Api-Key": value,
            "Referer": f"https://shop.example/?code={value}",
        },
        "cookies": {"sessionid": value},
        "params": {"page": value},
    },
}
"""What a request has its canary in, by the names of the places; `views.CARRIED` reads it there."""

IN_PATHS = ("path segment: matched", "path segment: unnamed group", "path segment: unmatched")
IN_A_CONSUMER = "exception args: consumer"
SOCKET = tuple(f"WebSocket: {part}" for part in ("path", "query", "header", "cookie", "message"))


@dataclass
class Client:
    """Plants in the web server `program` at `url`; notes in `planted` what it has planted."""

    program: str
    url: str
    seed: str
    planted: set[Plant]
    talks: bool
    """Whether that server speaks WebSocket."""

    def value(self, place: str, outcome: str) -> str:
        plant = Plant(place, self.program, outcome)
        self.planted.add(plant)
        return canary(plant, self.seed)

    def request(self, path: str, expect: int, **sent: Any) -> None:
        """One request that must have the answer `expect`."""
        method = "POST" if {"json", "data", "files"} & sent.keys() else "GET"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.url + path, allow_redirects=False, timeout=20, **sent)
        assert answer.status_code == expect, (path, answer.status_code, answer.text[:300])

    def carry(self, outcome: str) -> None:
        """Everything that comes with requests."""
        status = 500 if outcome == "error" else 200
        for place, sent in CARRYING.items():
            self.request(f"/{outcome}/carry/{slug(place)}/", status, **sent(self.value(place, outcome)))
        matched, unnamed, unmatched = (self.value(place, outcome) for place in IN_PATHS)
        self.request(f"/{outcome}/segment/{matched}/", status)
        self.request(f"/{outcome}/unnamed/{unnamed}/", status)
        self.request(f"/{outcome}/unmatched/{unmatched}/", 404)

    def stream(self, outcome: str) -> None:
        """A body that breaks off, or does not."""
        self.value("exception args: streaming body", outcome)
        with suppress(requests.RequestException):
            self.request(f"/{outcome}/stream/", 200)

    def talk(self, outcome: str) -> None:
        """A WebSocket."""
        if self.talks:
            self.value(IN_A_CONSUMER, outcome)
            segment, page, header, cookie, message = (self.value(place, outcome) for place in SOCKET)
            headers = {"X-Shop": header, "Cookie": f"sessionid={cookie}"}
            url = f"{self.url.replace('http', 'ws', 1)}/ws/{outcome}/{segment}/?page={page}"
            with connect(url, additional_headers=headers, proxy=None) as socket:
                socket.send(message)
                if outcome == "success":
                    assert socket.recv(timeout=20) == "done"
                else:
                    with pytest.raises(ConnectionClosed):
                        socket.recv(timeout=20)
