"""What can be wrong with `DJANGO_OBSERVE`, in words for the person who wrote it."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from django_observe.parsing import SettingError

PATHS = ("metrics_path", "live_path", "ready_path")
RENAMED: dict[str, tuple[str, str]] = {}
"""By a setting's old name: the new one, and the version that knows the old one no more (CONTRIBUTING.md)."""


def no_mapping(setting: str, given: object) -> str:
    """The setting as a whole is something else."""
    return (
        f"{setting} is {given!r}; accepted is a dict such as {{'SERVICE_NAME': 'orders'}}. "
        "Make it a dict, or leave it out."
    )


def under_new_names(setting: str, given: Mapping[Any, Any]) -> dict[Any, Any]:
    """What is given, under the names of today; where both are given, the new one's value counts.

    Warns:
        DeprecationWarning: of each old name.
    """
    values = {}
    for key, value in given.items():
        name, removal = RENAMED.get(key, (key, ""))
        if removal:
            warnings.warn(
                f"{setting}['{key}'] is now called '{name}'. Rename it: {removal} will not know it any more.",
                DeprecationWarning,
                stacklevel=2,
            )
            if name in given:
                continue
        values[name] = value
    return values


def refused(name: str, shown: str, fault: SettingError) -> str:
    """A value that is not accepted, as it may be shown."""
    return f"- {name} is {shown}; accepted is {fault.accepted}. {fault.remedy}"


def same_paths(setting: str, values: Mapping[str, str | None]) -> list[str]:
    """A path that more than one of the three pages would have; `values` holds those of PATHS."""
    paths = [values[name] for name in PATHS]
    twice = {path for path in paths if path is not None and paths.count(path) > 1}
    return [
        f"- {setting}: {', '.join(map(str.upper, PATHS))} have {path!r} more than once; accepted is a path "
        "for each, or None. Give each its own."
        for path in twice
    ]


def unknown(setting: str, key: str, known: Iterable[str]) -> str:
    """A key that no setting has, with the one that was probably meant."""
    near = difflib.get_close_matches(key.upper(), known, n=1, cutoff=0.5)
    remedy = f"Did you mean '{near[0]}'?" if near else "Remove it."
    return f"- {setting}['{key}'] is not a setting; accepted are {', '.join(sorted(known))}. {remedy}"
