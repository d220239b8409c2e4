"""Paced requests from a program of its own: `python -m tests.load URL --rate 20 --seconds 5 /busy/ /fail/`.

Prints one JSON list [started, seconds, status] for each request: monotonic time, duration, 0 for no answer.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.processes import Process

ROOT = Path(__file__).resolve().parents[1]
THREADS = 8


class Answered(NamedTuple):
    """One request."""

    started: float
    """Monotonic seconds, the machine's: comparable between processes."""
    seconds: float
    status: int
    """0: there was no answer."""


class Client(Thread):
    """Takes the next due request from those it shares with others; keeps its connection."""

    def __init__(self, url: str, due: Iterator[tuple[float, str]], lock: Lock, timeout: float) -> None:
        super().__init__(daemon=True)
        self.answered: list[Answered] = []
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self._due, self._lock = due, lock

    def run(self) -> None:
        while True:
            with self._lock:
                at, path = next(self._due, (0.0, ""))
            if not path:
                return
            sleep(max(at - monotonic(), 0))
            self.answered.append(self._ask(path))

    def _ask(self, path: str) -> Answered:
        started = monotonic()
        try:
            self._connection.request("GET", path)
            response = self._connection.getresponse()
            response.read()
            status = response.status
        except (OSError, http.client.HTTPException):
            self._connection.close()
            status = 0
        return Answered(started, monotonic() - started, status)


def paced(url: str, paths: list[str], rate: float, seconds: float, timeout: float = 20) -> list[Answered]:
    """Sends `rate` requests a second, the paths by turns; 0: as many as are answered."""
    due = _due(paths, rate, monotonic() + 0.1, seconds)
    lock = Lock()
    clients = [Client(url, due, lock, timeout) for _ in range(THREADS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return sorted(answered for client in clients for answered in client.answered)


def _due(paths: list[str], rate: float, started: float, seconds: float) -> Iterator[tuple[float, str]]:
    for index, path in enumerate(itertools.cycle(paths)):
        at = started + index / rate if rate else max(monotonic(), started)
        if at >= started + seconds:
            return
        yield at, path


class Load:
    """A started load, whose result is asked for when it has ended."""

    def __init__(self, process: Process, seconds: float) -> None:
        self._process = process
        self._seconds = seconds

    def answers(self) -> list[Answered]:
        """Waits for its end."""
        self._process.popen.wait(self._seconds + 60)
        return [Answered(*each) for each in json.loads(self._process.stdout)]


@contextmanager
def load(url: str, *paths: str, rate: float, seconds: float) -> Iterator[Load]:
    """Starts the load in a process of its own."""
    argv = [sys.executable, "-m", "tests.load", url, *paths, "--rate", str(rate), "--seconds", str(seconds)]
    with Process(argv, cwd=ROOT) as process:
        yield Load(process, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(paced(given.url, given.paths, given.rate, given.seconds)))


if __name__ == "__main__":
    main()
