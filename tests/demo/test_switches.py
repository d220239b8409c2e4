"""Which switches are accepted, in which spelling, and how they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from demo_services.faults.switches import Faults, SwitchError, Switches, assignments, faults
from demo_services.faults.switchfile import Switchfile

ALL = Switches(("database", "auth"), tasks=True, versions=True)


def test_every_key() -> None:
    """Texts, as a form or an environment variable has them, become what JSON would hold."""
    given = assignments(
        "errors=0.3, latency=2,dependency=database,auth,poison=1,task_latency=0.5,version=bad"
    )
    values = ALL.parse(given)
    assert values == {
        "errors": 0.3,
        "latency": 2.0,
        "dependency": ["auth", "database"],
        "poison": 1.0,
        "task_latency": 0.5,
        "version": "bad",
    }
    assert ALL.parse(values) == values
    assert faults(values) == Faults(0.3, 2.0, frozenset({"auth", "database"}), 1.0, 0.5, "bad")
    assert set(values) == set(ALL.accepted())


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        ("errors", "2", "from 0 to 1"),
        ("errors", -0.1, "from 0 to 1"),
        ("errors", "nan", "from 0 to 1"),
        ("errors", True, "from 0 to 1"),
        ("errors", None, "from 0 to 1"),
        ("errors", [0.3], "from 0 to 1"),
        ("latency", "61", "from 0 to 60"),
        ("latency", "soon", "from 0 to 60"),
        ("task_latency", "inf", "from 0 to 60"),
        ("dependency", "database,moon", "database or auth"),
        ("dependency", 3, "database or auth"),
        ("version", "good", "bad"),
        ("version", ["bad"], "bad"),
    ],
)
def test_bad_value(key: str, value: Any, accepted: str) -> None:
    """The text has the key, the value, and what is accepted."""
    with pytest.raises(SwitchError) as refused:
        ALL.parse({key: value})
    assert str(refused.value).startswith(f"{key} is {value!r}; accepted is")
    assert accepted in str(refused.value)


def test_all_faults_at_once() -> None:
    """What is wrong is told together; a switch of another service is no switch of this one."""
    with pytest.raises(SwitchError) as refused:
        Switches().parse({"errors": 5, "poison": 1, "dependency": "auth"})
    for part in ("errors is 5", "poison (1) is no switch of this service", "dependency is 'auth'"):
        assert part in str(refused.value)


def test_word_without_a_key() -> None:
    """A word that belongs to no key is refused."""
    with pytest.raises(SwitchError, match="'errors' is no switch; write key=value"):
        assignments("errors")


def test_file_is_seen_by_others(tmp_path: Path) -> None:
    """What one process writes another reads, each time; off switches are not kept, and no draft is left."""
    mine, theirs = Switchfile(tmp_path / "faults", "orders"), Switchfile(tmp_path / "faults", "orders")
    assert theirs.read() is None
    for share in (0.1, 0.2, 0.3):
        mine.write({"errors": share, "latency": 0.0, "dependency": [], "version": ""})
        assert theirs.read() == {"errors": share}
    assert theirs.read() is theirs.read()
    mine.write({})
    assert theirs.read() == {}
    assert [path.name for path in (tmp_path / "faults").iterdir()] == ["orders.json"]
    theirs.path.unlink()
    assert mine.read() is None


def test_file_of_somebody_else(tmp_path: Path) -> None:
    """A file that holds no switches is refused, not taken for none."""
    file = Switchfile(tmp_path, "orders")
    file.path.write_text(json.dumps(["errors"]))
    with pytest.raises(TypeError, match="not a JSON object"):
        file.read()
