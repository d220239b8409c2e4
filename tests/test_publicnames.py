"""The names that projects, dashboards and log searches rely on: none goes, or changes, unnoticed.

`publicnames.json` holds them. A name that goes is deprecated for one minor version first (CONTRIBUTING.md);
`DJANGO_SETTINGS_MODULE=tests.settings python -m tests.test_publicnames` writes the file anew.
"""

from __future__ import annotations

import inspect
import json
import re
from ast import literal_eval
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import django

import django_observe
from django_observe import checks, conf, metricset, records, testing, vocabulary
from django_observe.testing import captured

HELD = Path(__file__).with_name("publicnames.json")
GUNICORN = Path(django_observe.__file__).with_name("gunicorn.py")

BY_PATH = (
    "django_observe.json.JsonFormatter",
    "django_observe.logcontext.ContextFilter",
    "django_observe.loghandler.OncePerFact",
    "django_observe.logs.report",
    "django_observe.metrics.report",
    "django_observe.middleware.ObserveMiddleware",
    "django_observe.options.Settings",
    "django_observe.persons.user_id",
    "django_observe.templatetags.observe.correlation_id",
    "django_observe.traces.report",
)
"""What projects name by its path, in settings, templates and reporters: the pages say so."""


def names() -> dict[str, Any]:
    """Every public name there is, with what a caller must know of it."""
    families = metricset.ALL_FAMILIES
    return {
        "functions": {name: _signature(getattr(django_observe, name)) for name in django_observe.__all__},
        "testing": sorted(testing.__all__),
        "captured": _captured(),
        "records": {name: _fields(getattr(records, name)) for name in records.__all__},
        "gunicorn hooks": _gunicorn_hooks(),
        "paths": [path for path in BY_PATH if hasattr(*_split(path))],
        "settings": sorted(conf.keys()),
        "log fields": _constants(vocabulary.Field),
        "events": _constants(vocabulary.Event),
        "loggers": _constants(vocabulary.LoggerName),
        "headers": [vocabulary.Header.CORRELATION_ID, vocabulary.Header.REQUEST_ID],
        "span attributes": sorted(_texts(vars(vocabulary.Attribute).items())),
        "metrics": {family.name: [family.kind, *family.labels] for family in families},
        "checks": sorted(re.findall(r"`(django_observe\.[EW]\d+)`", checks.__doc__ or "")),
        "scripts": sorted(
            f"{point.group}: {point.name} = {point.value}"
            for group in ("console_scripts", "pytest11")
            for point in entry_points(group=group)
            if point.value.startswith("django_observe")
        ),
    }


def test_the_public_names_are_those_that_are_held() -> None:
    held, found = json.loads(HELD.read_text()), names()
    assert found.keys() == held.keys()
    lost = {kind: _lost(held[kind], found[kind]) for kind in held}
    assert {kind: names for kind, names in lost.items() if names} == {}
    assert found == held, "names were added: CONTRIBUTING.md says how they are written"


def _lost(held: Any, found: Any) -> list[str]:
    if isinstance(held, dict):
        return sorted(name for name in held if held[name] != found.get(name))
    return sorted(set(held) - set(found))


def _signature(function: Callable[..., Any]) -> str:
    """Without annotations, which interpreters write in ways of their own."""
    found = inspect.signature(function)
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    return str(found.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def _captured() -> list[str]:
    with captured() as telemetry:
        return [name for name in dir(telemetry) if not name.startswith("_")]


def _gunicorn_hooks() -> list[str]:
    """Read, not imported: who imports that configuration has the metrics of this process shared."""
    [hooks] = re.findall(r"^__all__ = (\[.*?\])", GUNICORN.read_text(), re.MULTILINE | re.DOTALL)
    return sorted(literal_eval(hooks))


def _fields(record: Any) -> list[str]:
    return [field.name for field in fields(record)] if is_dataclass(record) else []


def _split(path: str) -> tuple[Any, str]:
    module, _, name = path.rpartition(".")
    return import_module(module), name


def _constants(owner: type) -> list[str]:
    return sorted(value for name, value in vars(owner).items() if name.isupper())


def _texts(constants: Iterable[tuple[str, Any]]) -> set[str]:
    values = [value for name, value in constants if name.isupper()]
    plain = {value for value in values if isinstance(value, str)}
    return plain | {each for value in values if isinstance(value, dict) for each in value.values()}


if __name__ == "__main__":
    django.setup()
    HELD.write_text(json.dumps(names(), indent=1, sort_keys=True) + "\n")
