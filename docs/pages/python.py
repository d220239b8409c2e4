"""The page of the public names."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

from django.utils.module_loading import import_string

import django_observe
from django_observe import records, testing
from docs.pages.table import code, page, prose, table

HELD = Path(__file__).parents[2] / "tests/publicnames.json"


def python() -> str:
    """Every public name with its signature and what its docstring says."""
    return page(
        "Python",
        "What may be imported. Everything else of the package may change without notice.",
        *_names("django_observe", django_observe),
        *_names("django_observe.testing", testing),
        "## django_observe.records",
        "What [a reporter](../how-to/replace-a-reporter.md) is told, and what `captured()` has.",
        table(("Class", "What", "Fields"), _records()),
        "## Single names",
        "For settings, templates and reporters. Others of these modules are ours.",
        table(("Path", "What"), ((f"`{path}`", _told(import_string(path))) for path in _paths())),
    )


def _records() -> Iterator[tuple[str, str, str]]:
    for name in records.__all__:
        value = getattr(records, name)
        if is_dataclass(value):
            yield f"`{name}`", _told(value), code(field.name for field in fields(value))


def _paths() -> list[str]:
    """Those that tests/test_publicnames.py holds."""
    found: list[str] = json.loads(HELD.read_text())["paths"]
    return found


def _told(value: Any) -> str:
    """The first paragraph of its docstring."""
    return prose((inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " "))


def _names(module: str, owner: Any) -> Iterator[str]:
    yield f"## {module}"
    for name in sorted(owner.__all__, key=str.lower):
        value = getattr(owner, name)
        yield f"### {name}"
        yield f"`{name}{'' if inspect.isclass(value) else _signature(value)}`"
        yield prose(inspect.getdoc(value) or "")
        if inspect.isclass(value):
            yield "\n".join([*_attributes(value), *_methods(value)])


def _signature(value: Any) -> str:
    """Names, types and defaults, as they are written."""
    return str(inspect.signature(value)).replace("'", "").partition(" -> ")[0]


def _attributes(owner: type) -> Iterator[str]:
    """Those that `__init__` sets and a docstring below describes."""
    lines = ast.parse(dedent(inspect.getsource(owner.__init__))).body[0]  # type: ignore[misc]
    for given, told in pairwise(lines.body if isinstance(lines, ast.FunctionDef) else []):
        if isinstance(given, ast.AnnAssign) and isinstance(told, ast.Expr):
            name, text = ast.unparse(given.target).removeprefix("self."), ast.literal_eval(told.value)
            yield f"- `{name}: {ast.unparse(given.annotation)}`: {prose(text)}"


def _methods(owner: type) -> Iterator[str]:
    for name, value in vars(owner).items():
        if inspect.isfunction(value) and name[0] != "_":
            signature = _signature(value).replace("self, ", "").replace("self", "")
            yield f"- `{name}{signature}`: {prose(value.__doc__ or '')}"
