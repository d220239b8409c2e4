"""Names in Python that have a new one: the old works for one minor version, and warns (CONTRIBUTING.md)."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from typing import Any

RENAMED: dict[str, tuple[str, str]] = {}
"""By a module and an old name in it, dotted: the new name there, and the version that has the old no more."""


def install(module: str) -> None:
    """Has a module answer to its old names (PEP 562); type checkers go on refusing what is not there."""
    vars(sys.modules[module])["__getattr__"] = partial(_renamed, module)


def _renamed(module: str, name: str) -> Any:
    new, removal = RENAMED.get(f"{module}.{name}", ("", ""))
    if not new:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    text = f"{module}.{name} is now called {new}. Rename it: {removal} will not have it any more."
    warnings.warn(text, DeprecationWarning, stacklevel=2)
    return getattr(sys.modules[module], new)
