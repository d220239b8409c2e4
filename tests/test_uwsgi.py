"""What uWSGI says of itself, read; how it serves is tested in tests/oneline."""

from __future__ import annotations

from types import ModuleType

import pytest

from django_observe.uwsgi import _runs_threads


@pytest.mark.parametrize(
    ("version", "options", "threads"),
    [
        (b"2.0.21", {"master": True, "processes": b"2"}, False),
        (b"2.0.21", {"enable-threads": True}, True),
        (b"2.0.21", {"enable-threads": b"false"}, False),
        (b"2.0.21", {"threads": b"4"}, True),
        (b"2.0.26", {}, False),
        (b"2.0.27", {}, True),
        (b"2.0.31", {"enable-threads": b"false"}, True),
        (b"2.1-dev", {}, True),
    ],
)
def test_whether_threads_run(version: bytes, options: dict[str, object], threads: bool) -> None:
    """As seen: 2.0.21 says "Python threads support is disabled", 2.0.31 that they are enabled, always."""
    uwsgi = ModuleType("uwsgi")
    uwsgi.version, uwsgi.opt = version, options  # type: ignore[attr-defined]
    assert _runs_threads(uwsgi) == threads
