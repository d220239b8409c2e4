"""The sessions by name, and what each installs and runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from tests.versions.interpreters import newest

RUNNING = f"3.{sys.version_info.minor}"
SUPPORTED = {
    "4.2": ("3.10", "3.11", "3.12"),
    "5.2": ("3.10", "3.11", "3.12", "3.13", "3.14"),
    "6.0": ("3.12", "3.13", "3.14"),
    "6.1": ("3.12", "3.13", "3.14"),
}
"""Each Django with its Pythons, ours at least 3.10 (Django's FAQ, "What Python version can I use")."""

PACKAGE = ("tests/test_*.py",)
"""What is run against an installed package: its modules' own tests."""

SERVED = ("tests/oneline/test_servers.py", "tests/oneline/test_ready.py", "tests/oneline/test_celery.py")
"""And `startproject` with the one line, behind real servers and workers."""

OF_THE_TREE = frozenset(
    "architecture docs docs_messages docs_privacy docs_tasks packaging publicnames".split()  # noqa: SIM905
)
"""Tests of the files in the working tree."""

OF_A_FRAMEWORK = """
    activerequests backgroundtasks cache caches celery checks commands conf consumers database databaseerrors
    dbspans endpoints guest health logs messages metrics middleware migrationstate modelchanges outbound
    serverspan taskattributes tasklog testing threads tracer workerserver
""".split()  # noqa: SIM905 - thirty lines otherwise
"""Tests of what meets Django, Celery or the interpreter: a cell of the matrix runs these, to take minutes."""

OF_AN_EXTRA = """
    activerequests backgroundtasks backlog cache celery circuitbreakers consumers daphnelog databaseerrors
    dbspans errorpage errortext exemplars gunicorn_config health instrumentation kept librarylines middleware
    notice opentelemetry outbound persons queuelengths routetext siblings strangers
    taskattributes tasklog testing threads traces urllibrequest
""".split()  # noqa: SIM905 - likewise
"""Tests that use a program or a library of an extra."""

OF_OTHER_SERVERS = "where_it_is_looked_for or under_waitress"
"""Tests, by name, of servers that only development installs."""

BARE_ONLY = "tests/versions/bare.py"


@dataclass(frozen=True)
class Session:
    """An environment and the tests that it has to pass."""

    name: str
    python: str = RUNNING
    django: str | None = None
    extra: str | None = "test"
    lowest: bool = False
    tests: tuple[str, ...] = (*PACKAGE, *SERVED)
    without: frozenset[str] = OF_THE_TREE
    only: str = f"not ({OF_OTHER_SERVERS})"
    types: bool = False


BARE = Session(
    "bare",
    django="5.2",
    extra=None,
    tests=(*PACKAGE, BARE_ONLY),
    without=OF_THE_TREE.union(OF_AN_EXTRA),
    # each of these few is of a program or a library of an extra, in a file of others
    only=f"not ({OF_OTHER_SERVERS} or w106 or baggage or pool_process or a_database_that_hangs)",
)
WITHOUT_CLOSING = frozenset({"valuefiles"})
"""Compared there are files that prometheus-client can close since 0.26."""
LOWEST = Session("lowest", "3.10", "4.2", lowest=True, without=OF_THE_TREE | WITHOUT_CLOSING)
HIGHEST = Session("highest", newest(SUPPORTED["6.1"]), "6.1")
WHEEL = Session("wheel", django="5.2", types=True)
NAMED = {session.name: session for session in (BARE, LOWEST, HIGHEST, WHEEL)}


def matrix(pythons: frozenset[str], djangos: frozenset[str]) -> list[Session]:
    """A session for each pair that Django supports, of the given ones where any are given."""
    files = tuple(f"tests/test_{name}.py" for name in OF_A_FRAMEWORK)
    cell = Session("", tests=(*files, *SERVED))
    return [
        replace(cell, name=f"py{python}-django{django}", python=python, django=django)
        for django, supported in SUPPORTED.items()
        for python in supported
        if (not pythons or python in pythons) and (not djangos or django in djangos)
    ]
