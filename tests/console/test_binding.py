"""A port that is free at one address need not be so at the other."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from demo_services.ports import free_port
from django_observe.console import binding
from django_observe.console.listener import Listener


def listening(monkeypatch: pytest.MonkeyPatch, refused: int) -> list[int]:
    """Has that many binds to ::1 find the port taken; answers the ports that were tried there."""
    tried: list[int] = []

    class Unlucky(Listener):
        def __init__(self, host: str, port: int, slots: Any) -> None:
            if host == "::1":
                tried.append(port)
                if len(tried) <= refused:
                    raise OSError(errno.EADDRINUSE, "taken")
            super().__init__("127.0.0.1" if host != "::1" else "127.0.0.2", port, slots)

    monkeypatch.setattr(binding, "Listener", Unlucky)
    return tried


def test_any_port_is_one_that_is_free_at_both_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = listening(monkeypatch, refused=2)
    listeners = binding.listen(("127.0.0.1", "::1"), 0, "--port", 1)
    assert [each.port for each in listeners] == [tried[-1]] * 2
    assert len(tried) == 3
    for each in listeners:
        each.server_close()


@pytest.mark.parametrize(("any_port", "tries"), [(True, 10), (False, 1)])
def test_it_is_not_looked_for_for_ever(any_port: bool, tries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = listening(monkeypatch, refused=99)
    with pytest.raises(binding.StartError, match="is taken"):
        binding.listen(("127.0.0.1", "::1"), 0 if any_port else free_port(), "--port", 1)
    assert len(tried) == tries
