"""Alerts on databases, as the services see them."""

from __future__ import annotations

from typing import Final

from dashboards import logql
from dashboards.promql import like, max_by, selector, unlike
from dashboards.rules.annotations import CONCERNED, COUNT, SINCE, WHO, value
from dashboards.rules.expressions import SERVICE_KEYS, growth
from dashboards.rules.pace import MINUTE, SECOND, Pace
from dashboards.rules.rule import Alert, Group
from django_observe.metricset import DB_ERRORS, DB_NEW_CONNECTION_ERRORS, MIGRATIONS_UNAPPLIED
from django_observe.vocabulary import Field, Label

MINIMUM_ERRORS: Final = 5
MINIMUM_CONNECTION_ERRORS: Final = 3
OF_THE_DATA: Final = "IntegrityError|DataError"
"""Errors (PEP 249) that a healthy database reports of what it is given."""

_KEYS: Final = (*SERVICE_KEYS, Label.ALIAS)
_ERROR_LINES: Final = logql.where(
    logql.stream(*CONCERNED),
    like(Field.ERROR_TYPE, ".*(Database|Operational|Interface|Internal|Programming)Error"),
)


def groups(pace: Pace) -> list[Group]:
    """Statements that fail, connections that fail, migrations left out."""
    alerts = [_errors(pace), _connections(pace), _migrations(pace)]
    return [Group(name="database", interval=pace(15 * SECOND), rules=alerts)]


def _errors(pace: Pace) -> Alert:
    failed = selector(DB_ERRORS.total, unlike(Label.TYPE, OF_THE_DATA))
    return Alert(
        name="DatabaseErrors",
        expr=f"{growth(failed, pace(5 * MINUTE), *_KEYS)} >= {MINIMUM_ERRORS}",
        severity="ticket",
        keys=_KEYS,
        summary=f"{WHO}: {COUNT} statements failed on database {value(Label.ALIAS)}, {SINCE}",
        description="Within five minutes; violated constraints and unfit values are not counted.",
        logs=_ERROR_LINES,
    )


def _connections(pace: Pace) -> Alert:
    failed = growth(DB_NEW_CONNECTION_ERRORS.total, pace(5 * MINUTE), *_KEYS)
    return Alert(
        name="DatabaseConnectionErrors",
        expr=f"{failed} >= {MINIMUM_CONNECTION_ERRORS}",
        severity="ticket",
        keys=_KEYS,
        summary=f"{WHO}: {COUNT} connections to database {value(Label.ALIAS)} failed, {SINCE}",
        description="Within five minutes: the database is down, unreachable, full, or refuses the password.",
        logs=_ERROR_LINES,
    )


def _migrations(pace: Pace) -> Alert:
    keys = (*SERVICE_KEYS, Label.CONNECTION)
    return Alert(
        name="MigrationsUnapplied",
        expr=f"{max_by(MIGRATIONS_UNAPPLIED.name, *keys)} > 0",
        severity="ticket",
        hold=pace(15 * MINUTE),
        keys=keys,
        summary=f"{WHO}: {COUNT} migrations not applied to {value(Label.CONNECTION)}, {SINCE}",
        description="The code expects tables or columns that the database does not have.",
    )
