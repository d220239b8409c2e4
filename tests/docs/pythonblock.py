"""What is wrong with a block of Python: imports, names, calls of ours, settings."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.utils.module_loading import import_string

from django_observe import conf
from tests.docs.blocks import ROOT, Block

READERS = {"shop", "orders", "auth"}
"""Modules of the reader's own project."""
HELD = json.loads((ROOT / "tests/publicnames.json").read_text())
PUBLIC = {
    *(f"django_observe.{name}" for name in HELD["functions"]),
    *(f"django_observe.{module}.{name}" for module in ("testing", "records") for name in HELD[module]),
    *(f"django_observe.gunicorn.{name}" for name in HELD["gunicorn hooks"]),
    *HELD["paths"],
}
UNIMPORTED = "django_observe.gunicorn"
"""Its import makes the process one of several workers: what it defines is read from its source."""


def faults(block: Block) -> Iterator[str]:
    """Each in words."""
    try:
        tree = ast.parse(block.text)
    except SyntaxError as fault:
        yield f"line {fault.lineno}: {fault.msg}"
        return
    names: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node, names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield from _absent(node, names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from _misfit(node, names.get(node.func.id))
    if _is_settings(tree):
        yield from _settings(block.text)


def _imported(node: ast.Import | ast.ImportFrom, names: dict[str, Any]) -> Iterator[str]:
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        if module.split(".")[0] in READERS or (isinstance(node, ast.ImportFrom) and node.level):
            continue
        path = f"{module}.{alias.name}" if isinstance(node, ast.ImportFrom) else module
        path = path.removesuffix(".*")
        if _is_private(path):
            yield f"line {node.lineno}: {path} is not public: see docs/reference/python.md"
        try:
            found = _object(module, alias.name if isinstance(node, ast.ImportFrom) else "")
        except (ImportError, AttributeError) as fault:
            yield f"line {node.lineno}: {fault}"
        else:
            top = isinstance(node, ast.Import) and not alias.asname
            names[alias.asname or alias.name.split(".")[0]] = (
                importlib.import_module(module.split(".")[0]) if top else found
            )


def _is_private(path: str) -> bool:
    """A name of ours that may change without notice; a module of public names is none."""
    ours = path.startswith("django_observe.")
    return ours and not any(f"{name}.".startswith(f"{path}.") for name in PUBLIC)


def _object(module: str, name: str) -> Any:
    if UNIMPORTED in {module, f"{module}.{name}"}:
        owner = _read(UNIMPORTED)
        return getattr(owner, name) if module == UNIMPORTED and name not in {"", "*"} else owner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        owner = importlib.import_module(module)
        if not name or hasattr(owner, name):
            return getattr(owner, name) if name else owner
        return importlib.import_module(f"{module}.{name}")


def _read(path: str) -> ModuleType:
    """A module with the names that the source of this one binds at its top, and no values."""
    found, spec = ModuleType(path), importlib.util.find_spec(path)
    for node in ast.parse(Path(spec.origin or "").read_text()).body if spec else ():
        targets = node.targets if isinstance(node, ast.Assign) else ()
        names = [each.id for each in targets if isinstance(each, ast.Name)]
        for name in [*names, getattr(node, "name", "")]:
            setattr(found, name, None)
    return found


def _absent(node: ast.Attribute, names: Mapping[str, Any]) -> Iterator[str]:
    """An attribute that a module, or a class, does not have."""
    chain: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        chain.insert(0, inner.attr)
        inner = inner.value
    owner = names.get(inner.id) if isinstance(inner, ast.Name) else None
    for name in chain:
        if not isinstance(owner, ModuleType | type):
            return
        if not hasattr(owner, name):
            yield f"line {node.lineno}: {owner.__name__} has no {name}"
            return
        owner = getattr(owner, name)


def _misfit(node: ast.Call, called: Any) -> Iterator[str]:
    """A call of ours that its signature refuses."""
    if not getattr(called, "__module__", "").startswith("django_observe"):
        return
    if any(isinstance(each, ast.Starred) for each in node.args) or any(
        not each.arg for each in node.keywords
    ):
        return
    try:
        inspect.signature(called).bind(*node.args, **{str(each.arg): each.value for each in node.keywords})
    except TypeError as fault:
        yield f"line {node.lineno}: {called.__name__}: {fault}"


def _is_settings(tree: ast.Module) -> bool:
    """Only imports and CAPITALS, one of them at least."""
    targets = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets += node.targets
        elif isinstance(node, ast.AugAssign):
            targets.append(node.target)
        elif not isinstance(node, ast.Import | ast.ImportFrom | ast.Expr):
            return False
    roots = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return bool(roots) and all(name.id.isupper() for name in roots)


def _above() -> dict[str, Any]:
    """What startproject's settings, or a project's own, have above the lines that a page shows."""
    return {
        "INSTALLED_APPS": [],
        "MIDDLEWARE": [],
        "LOGGING": {"handlers": {}, "formatters": {}, "filters": {}, "loggers": {}, "root": {"handlers": []}},
        "DJANGO_OBSERVE": {},
        "BASE_DIR": Path.cwd(),
        "DEBUG": False,
        "Path": Path,
        "os": os,
    }


def _settings(text: str) -> Iterator[str]:
    values = _above()
    exec(text, values)  # noqa: S102 - our own page
    try:
        with override_settings(DJANGO_OBSERVE=values["DJANGO_OBSERVE"]):
            conf.settings()
    except ImproperlyConfigured as fault:
        yield str(fault)
    for path in [*values["INSTALLED_APPS"], *values["MIDDLEWARE"], *_classes(values["LOGGING"])]:
        if path.split(".")[0] not in READERS:
            try:
                importlib.import_module(path) if path in values["INSTALLED_APPS"] else import_string(path)
            except ImportError as fault:
                yield str(fault)


def _classes(value: Any) -> Iterator[str]:
    """The dotted paths of a LOGGING."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"()", "class"} and isinstance(inner, str):
                yield inner
            yield from _classes(inner)
