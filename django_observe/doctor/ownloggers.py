"""The loggers that a project has of its own: of its apps, and of its modules that LOGGING names."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps

from django_observe import conf, logway
from django_observe.reporting import guard

_LIBRARIES = frozenset({"django", "django_observe", "celery", "daphne", "py"})
_LIBRARIES |= {name.partition(".")[0] for name in logway.SERVERS}
"""Known by name: a checkout of one is no installed distribution."""
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def names() -> list[str]:
    """Apps first; the settings' package where it holds one of them, or where there is no other."""
    own = [each.name for each in apps.get_app_configs() if not _is_librarys(each.name)]
    package = conf.root_package()
    if not own or any(_top(each) == package for each in own):
        own.insert(0, package)
    return list(dict.fromkeys([*own, *(each for each in _named() if _is_module(each, own))]))


def outermost(found: list[str]) -> list[str]:
    """Those of `found` that are below none of the others."""
    return [each for each in found if not any(each.startswith(f"{other}.") for other in found)]


def _named() -> Iterator[str]:
    for name, value in conf.named_values():
        if name == "LOGGING" and isinstance(value, Mapping):
            yield from map(str, value.get("loggers", ()))


def _is_module(name: str, own: list[str]) -> bool:
    """Whether it is below an app, or a module is there that is no library's.

    What no module is called, such as a library that is not installed here, is silenced on purpose, for all
    we know.
    """
    top = _top(name)
    return top in map(_top, own) or (_spec(top) is not None and not _is_librarys(name))


def _is_librarys(name: str) -> bool:
    top = _top(name)
    return top != conf.root_package() and (top in _LIBRARIES or _is_installed(_spec(top)))


@lru_cache
def _spec(top: str) -> ModuleSpec | None:
    """Of the module of that name, which is looked for and not imported; None if there is none."""
    with guard("doctor"):
        if top.isidentifier() and top != "__main__":  # find_spec raises for that one
            return find_spec(top)
    return None


def _is_installed(spec: ModuleSpec | None) -> bool:
    """Whether it is a module of Python's own or of an installed distribution."""
    if spec is None:
        return False
    places = [each for each in (spec.origin, *(spec.submodule_search_locations or ())) if each]
    python = sysconfig.get_path("stdlib")
    return spec.origin in {"built-in", "frozen"} or any(
        _INSTALLED & set(Path(each).parts) or each.startswith(f"{python}/") for each in places
    )


def _top(name: str) -> str:
    return name.partition(".")[0]
