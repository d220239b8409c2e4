"""Databases as services see them: statements, connections, migrations."""

from __future__ import annotations

from tests.stack.rules.case import LINES, TARGET, Case, Expected, series

DATABASE_LINES = f'{LINES} | error_type=~".*(Database|Operational|Interface|Internal|Programming)Error"'


def _database_told(text: tuple[str, str]) -> Expected:
    return Expected(
        labels={**TARGET, "alias": "default", "severity": "ticket"},
        summary=f"orders (test): {text[0]}, since 00:05 UTC",
        description=text[1],
        logs=DATABASE_LINES,
        since=300,
    )


def _database(alert: str, metric: str, values: str, expected: tuple[str, str] | None, **labels: str) -> Case:
    told = _database_told(expected) if expected else None
    title = (
        f"{values.rpartition('x')[0].rpartition(' ')[2]} {labels.get('type', 'failures')} within five minutes"
    )
    given = {series(metric, alias="default", vendor="postgresql", **labels): values}
    return Case(alert=alert, title=title, series=given, at=345, expected=told)


_ERRORS = ("DatabaseErrors", "django_db_errors_total")
_CONNECTIONS = ("DatabaseConnectionErrors", "django_db_new_connection_errors_total")
_STATEMENTS_FAILED = (
    "5 statements failed on database default",
    "Within five minutes; violated constraints and unfit values are not counted.",
)
_CONNECTIONS_FAILED = (
    "3 connections to database default failed",
    "Within five minutes: the database is down, unreachable, full, or refuses the password.",
)
_DATABASES = (
    _database(
        *_ERRORS,
        "0x19 5x20",
        _STATEMENTS_FAILED,
        type="OperationalError",
    ),
    _database(*_ERRORS, "0x19 4x20", None, type="OperationalError"),
    _database(*_ERRORS, "0x19 500x20", None, type="IntegrityError"),
    _database(*_CONNECTIONS, "0x19 3x20", _CONNECTIONS_FAILED),
    _database(*_CONNECTIONS, "0x19 2x20", None),
    *(
        Case(
            alert=alert,
            title="five instances, one error each, which have had none before",
            series={
                key: values
                for number in range(5)
                for key, values in (
                    (series("up", instance=f"orders-{number}:8000"), "1x40"),
                    (
                        series(
                            metric,
                            alias="default",
                            vendor="postgresql",
                            instance=f"orders-{number}:8000",
                            **kind,
                        ),
                        "_x20 1x20",
                    ),
                )
            },
            at=345,
            expected=_database_told(text),
        )
        for (alert, metric), kind, text in (
            (_ERRORS, {"type": "OperationalError"}, _STATEMENTS_FAILED),
            (
                _CONNECTIONS,
                {},
                ("5 connections to database default failed", _CONNECTIONS_FAILED[1]),
            ),
        )
    ),
    *(
        Case(
            alert="MigrationsUnapplied",
            title=f"two of them for {at - 300} s",
            series={series("django_migrations_unapplied_total", connection="default"): "0x19 2x100"},
            at=at,
            expected=Expected(
                labels={**TARGET, "connection": "default", "severity": "ticket"},
                summary="orders (test): 2 migrations not applied to default, since 00:05 UTC",
                description="The code expects tables or columns that the database does not have.",
                since=300,
            )
            if at == 1200
            else None,
        )
        for at in (1185, 1200)
    ),
)
CASES = _DATABASES
