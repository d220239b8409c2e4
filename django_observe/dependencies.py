"""What this service needs in order to work: its databases, caches and broker, and what READY_CHECKS names."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any
from uuid import uuid4

from django.core.cache import caches
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from django_observe import conf
from django_observe.cache import uncounted
from django_observe.probe import Check
from django_observe.reporting import guard

SERVERLESS_TRANSPORTS = ("memory", "filesystem")
"""Transports of kombu that have no server which could be away."""

_KEY_SECONDS = 10


def checks() -> dict[str, Check]:
    """The checks by name: `database`, `cache`, `broker`, and `database:replica` for other aliases."""
    found: dict[str, Check] = {}
    apps: list[Any] = []
    for alias in connections:
        if not connections.settings[alias]["ENGINE"].endswith(".dummy"):
            found[_named("database", alias)] = partial(_database, alias)
    for alias in caches:
        if not caches.settings[alias]["BACKEND"].endswith(".DummyCache"):
            found[_named("cache", alias)] = partial(_cache, alias)
    with guard("health"):
        apps = _celery_apps()
    for app in apps:
        found["broker" if "broker" not in found else f"broker:{app.main}"] = partial(_broker, app)
    for path in conf.settings().ready_checks or ():
        found[path] = partial(_own, path)
    return found


def _named(kind: str, alias: str) -> str:
    return kind if alias == DEFAULT_DB_ALIAS else f"{kind}:{alias}"


def _database(alias: str) -> None:
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM DUAL" if connection.vendor == "oracle" else "SELECT 1")
        cursor.fetchone()


def _cache(alias: str) -> None:
    key, cache = f"django_observe.ready.{uuid4().hex}", caches[alias]
    cache.set(key, "ready", _KEY_SECONDS)
    with uncounted(cache):
        found = cache.get(key)
    if found != "ready":
        raise LookupError("the cache did not return what was just stored")
    cache.delete(key)


def _celery_apps() -> list[Any]:
    """The project's Celery apps that have a broker; not Celery's fallback, nor apps never made current."""
    state = sys.modules.get("celery._state")
    if state is None or not conf.settings().celery:
        return []
    apps = [app for app in state._get_active_apps() if app.set_as_current and app.main != "default"]  # noqa: SLF001 - no public list
    return sorted((app for app in apps if app.conf.broker_url), key=lambda app: str(app.main))


def _broker(app: Any) -> None:
    with app.connection_for_write() as connection:
        if connection.transport_cls not in SERVERLESS_TRANSPORTS:
            connection.ensure_connection(max_retries=0, timeout=conf.settings().ready_timeout)


def _own(path: str) -> None:
    import_string(path)()
