"""How many migrations each database has had, and how many it still needs: asked when the page is read.

At most once a minute, in threads of its own and with a deadline: a database that hangs costs its own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.migrations.recorder import MigrationRecorder

from django_observe.probe import ask

EVERY_SECONDS: Final = 60.0
DEADLINE_SECONDS: Final = 1.0
"""How long a scrape waits; an answer that comes later is told by the next."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What was found in one database."""

    applied: frozenset[tuple[str, str]]
    unapplied: int
    at: float
    """When, on the monotonic clock."""


_found: dict[str, Migrated] = {}
_asked: float | None = None


def counts() -> dict[str, tuple[int, int]]:
    """Applied and unapplied migrations by database alias, of those databases that answered lately."""
    global _asked
    now = monotonic()
    if _asked is None or not 0 <= now - _asked < EVERY_SECONDS:
        _asked = now
        aliases = [alias for alias in connections if _migrates(connections[alias]) and _ours(alias)]
        ask({f"migrations:{alias}": partial(_look, alias) for alias in aliases}, DEADLINE_SECONDS)
    return {
        alias: (len(found.applied), found.unapplied)
        for alias, found in list(_found.items())
        if monotonic() - found.at < 2 * EVERY_SECONDS
    }


def _migrates(connection: Any) -> bool:
    """Whether there is a database to ask: no dummy, none in memory, no file that asking would make."""
    if connection.vendor == "sqlite":
        return not connection.is_in_memory_db() and Path(connection.settings_dict["NAME"]).exists()
    return not connection.settings_dict["ENGINE"].endswith(".dummy")


def _ours(alias: str) -> bool:
    """Whether the routers let any installed app migrate there: the others are other services' databases."""
    return any(router.allow_migrate(alias, app.label) for app in apps.get_app_configs())


def _look(alias: str) -> None:
    """Asks one database; what its migrations would need is only worked out anew when that has changed."""
    recorder = MigrationRecorder(connections[alias])
    if alias != DEFAULT_DB_ALIAS and not recorder.has_table():
        return  # somebody else's database
    applied = frozenset(recorder.applied_migrations())
    known = _found.get(alias)
    unapplied = known.unapplied if known and known.applied == applied else _unapplied(alias)
    _found[alias] = Migrated(applied, unapplied, monotonic())


def _unapplied(alias: str) -> int:
    from django.db.migrations.executor import MigrationExecutor  # as Django says: not before apps are ready

    executor = MigrationExecutor(connections[alias])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
