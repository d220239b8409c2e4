"""A connection that says nothing is ended, and its place is free again."""

from __future__ import annotations

import socket

import pytest

from django_observe.console import binding, listener
from tests.processes import wait_until


@pytest.mark.parametrize("said", [b"", b"GET /services HTTP/1.1\r\nHost: local"])
def test_who_falls_silent_loses_the_connection(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(listener._Handler, "timeout", 0.2)
    (bound,) = binding.listen(("127.0.0.1",), 0, "--port", 1)
    bound.start(lambda *_: pytest.fail("nothing was asked for"))

    def answered() -> bytes:
        with socket.create_connection(("127.0.0.1", bound.port), timeout=10) as silent:
            silent.sendall(said)
            return silent.recv(1)

    try:
        assert answered() == b""
        wait_until(lambda: answered() == b"", "the only place to be free again, not 503")
    finally:
        bound.shutdown()
        bound.server_close()
