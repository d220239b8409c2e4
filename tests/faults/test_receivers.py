"""The receivers themselves: each mode does to a client what it says."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import pytest
import requests

from tests.faults.receivers import MODES, receiver

BODY = b""
"""An empty request: no span at all."""


def post(url: str) -> requests.Response:
    return requests.post(f"{url}/v1/traces", data=BODY, timeout=0.5, allow_redirects=False)


@pytest.mark.parametrize(("mode", "status"), [("ok", 200), ("partial", 200), ("garbage", 200), ("302", 302)])
def test_an_answer_that_is_whole(mode: str, status: int) -> None:
    with receiver(mode) as collector:
        assert post(collector.url).status_code == status
        assert len(collector.requests) == (status == 200)


@pytest.mark.parametrize("mode", ["close", "hang", "refuse", "dns"])
def test_an_answer_that_is_not(mode: str) -> None:
    with receiver(mode) as collector, pytest.raises(requests.RequestException):
        post(collector.url)


@pytest.mark.parametrize("mode", ["flood", "drip"])
def test_an_answer_that_never_ends(mode: str) -> None:
    """`drip`: its second answer, whose header is whole."""
    with receiver(mode) as collector:
        collector.attempts = 1
        collector.pause = 0.05
        started = time.monotonic()
        with requests.post(f"{collector.url}/v1/traces", data=BODY, timeout=0.5, stream=True) as answer:
            for _ in answer.iter_content(1):
                if time.monotonic() - started > 0.6:  # longer than the client's own timeout
                    break
            else:
                pytest.fail("it ended")


def test_a_drip_in_the_header() -> None:
    with receiver("drip") as collector:
        collector.pause = 0.01
        with socket.create_connection(
            ("127.0.0.1", urlsplit(collector.url).port or 0), timeout=5
        ) as connection:
            connection.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
            told = b""
            while len(told) < 60:
                told += connection.recv(1)
    assert told.startswith(b"HTTP/1.1 200 OK\r\nServer: ---")
    assert b"\n" not in told[17:]


@pytest.mark.parametrize("mode", ["refuse", "dns"])
def test_where_nobody_is_no_mode_can_be_set(mode: str) -> None:
    with receiver(mode) as collector, pytest.raises(AttributeError):
        collector.mode = "ok"


def test_the_modes() -> None:
    assert len(MODES) == 14
    with pytest.raises(ValueError, match="one of"), receiver("nonsense"):
        pass
