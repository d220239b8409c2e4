"""A name that was renamed, planted in each public module: it works, and warns whoever uses it."""

from __future__ import annotations

import importlib

import pytest

import django_observe
from django_observe import renamed

PUBLIC = {
    "django_observe": "flush",
    "django_observe.testing": "captured",
    "django_observe.records": "Exchange",
}


@pytest.mark.parametrize(("module", "new"), PUBLIC.items())
def test_an_old_name_is_the_new_one_and_warns_where_it_is_used(
    monkeypatch: pytest.MonkeyPatch, module: str, new: str
) -> None:
    monkeypatch.setitem(renamed.RENAMED, f"{module}.formerly", (new, "0.3"))
    found = importlib.import_module(module)
    with pytest.warns(DeprecationWarning, match=f"{module}.formerly is now called {new}.* 0.3 ") as warned:
        assert found.formerly is getattr(found, new)
    assert [each.filename for each in warned] == [__file__]


def test_so_it_does_where_it_is_imported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(renamed.RENAMED, "django_observe.formerly", ("flush", "0.3"))
    names: dict[str, object] = {}
    with pytest.warns(DeprecationWarning, match="is now called flush"):
        exec("from django_observe import formerly", names)  # noqa: S102 - type checkers refuse the name
    assert names["formerly"] is django_observe.flush


@pytest.mark.parametrize("module", PUBLIC)
def test_a_name_that_never_was_is_refused_as_python_does_it(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'formerly'"):
        _ = importlib.import_module(module).formerly


def test_what_is_renamed_has_a_new_name() -> None:
    """Of the table as it is shipped."""
    for path, (new, _) in renamed.RENAMED.items():
        assert hasattr(importlib.import_module(path.rpartition(".")[0]), new)
