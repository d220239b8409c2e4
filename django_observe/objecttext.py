"""The text of any object, as far as it may be told: Django's own are named by their class alone."""

from __future__ import annotations

import math
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject

from django_observe.pathtext import path_of
from django_observe.redaction import MAX_VALUE

_NAMED = (HttpRequest, HttpResponseBase, Model, QuerySet, Manager, LazyObject)


def text_of(value: Any) -> str:
    """What `str` makes of `value`, which may raise, and may be a subclass; bytes are read as UTF-8."""
    kind = type(value)
    for owner in (bytes, bytearray):
        if issubclass(kind, owner):
            return bytes(owner.__getitem__(value, slice(MAX_VALUE))).decode("utf-8", "replace")
    if issubclass(kind, _NAMED):
        return _named(value)
    if issubclass(kind, BaseException):
        return f"{qualified_name(kind)}: {value}"
    if issubclass(kind, type):
        return f"<class {qualified_name(value)}>"
    if {"__str__", "__repr__"}.isdisjoint(name for parent in kind.__mro__[:-1] for name in vars(parent)):
        return f"<{qualified_name(kind)}>"
    return str.__str__(value) if issubclass(kind, str) else str(value)


def key_text_of(key: Any) -> str:
    """The text of a mapping's key."""
    if issubclass(type(key), (tuple, frozenset)):
        return ", ".join(key_text_of(part) for part in key)
    return not_finite(key) if type(key) is float and not math.isfinite(key) else text_of(key)


def not_finite(number: float) -> str:
    """NaN and the infinities as protobuf's JSON has them, for which JSON itself has no number."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def qualified_name(kind: type) -> str:
    """A class by its module and name; built-in ones by name alone."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _named(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, HttpRequest):
        return f"<{kind.__name__} {value.method} {path_of(value)}>"
    if issubclass(kind, HttpResponseBase):
        return f"<{kind.__name__} {value.status_code}>"
    if issubclass(kind, QuerySet):
        return f"<{kind.__name__} of {qualified_name(value.model)}>"
    return f"<{qualified_name(kind)}>"
