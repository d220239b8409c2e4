"""What is switched off to see that the canaries are found then: CANARY_BREAK names one of KINDS."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

ALL = "all of it"

_OPEN: dict[str, dict[str, Any]] = {
    "paths": {"PATH_PARAMETERS": ["*"]},
    "persons": {"USER_AGENT": True, "USER_ID": "id", "CLIENT_IP": "address"},
}
_OPEN[ALL] = {**_OPEN["paths"], **_OPEN["persons"]}
SETTINGS = _OPEN.get(os.environ.get("CANARY_BREAK", ""), {})
"""What a service could switch on by its settings."""


def _as_given(text: str, *_: object) -> str:
    return text


def _never(*_: object) -> bool:
    return False


def _unread(record: logging.LogRecord) -> str:
    return record.getMessage()


KINDS: dict[str, dict[str, Callable[..., Any]]] = {
    "keys": {
        "assignments.scrub_assignments": _as_given,
        "secretnames.is_secret": _never,
        "secretnames.is_hidden_setting": _never,
    },
    "patterns": {"patterns.scrub_schemes": _as_given, "patterns.scrub_addresses": _as_given},
    "paths": {},
    "query": {"querytext.scrub_query": _as_given, "querytext.scrub_queries": _as_given},
    "SQL": {"sqltext.without_values": _as_given, "databaseerrors.without_values": _as_given},
    "persons": {},
    "known secrets": {"knownsecrets.masked": _as_given},
    "quotes in errors": {"errortext.without_quotes": _as_given},
    "libraries": {"librarylines.message_of": _unread},
}
"""By kind: functions of the package, and what takes their places."""

KINDS[ALL] = {name: replacement for kind in KINDS.values() for name, replacement in kind.items()} | {
    "redaction.scrub_text": _as_given,
    "urltext.scrub_url": _as_given,
    "pathtext.scrub_path": _as_given,
}


def apply() -> None:
    """Breaks what is asked for; without the variable, nothing. It is called before we are ready."""
    for name, replacement in KINDS.get(os.environ.get("CANARY_BREAK", ""), {}).items():
        module, _, function = f"django_observe.{name}".rpartition(".")
        importlib.import_module("django_observe.traces")
        original = getattr(importlib.import_module(module), function)
        for each in list(sys.modules.values()):
            if getattr(each, "__name__", "").startswith("django_observe"):
                for attribute, value in list(vars(each).items()):
                    if value is original:
                        setattr(each, attribute, replacement)
