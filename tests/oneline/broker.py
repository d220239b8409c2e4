"""A Redis of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from demo_services.ports import free_port
from tests.processes import Process, require


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """Starts one that keeps nothing on disk; its URL."""
    port = port or free_port()
    program = require("redis-server", "redis-server")
    with Process([program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]) as process:
        process.wait_for_line("Ready to accept connections")
        yield f"redis://127.0.0.1:{port}/0"
