"""What a real PostgreSQL quotes in its errors does not leave, and what it names does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from django_observe.privacy import failure_of
from django_observe.redaction import scrub_text
from tests.demo.servers import postgresql

CANARY = "c4n4ry"
STATEMENTS = [
    "INSERT INTO stock VALUES (2, '{0}')",
    "INSERT INTO stock VALUES (3, 'none', '{0}')",
    "INSERT INTO stock VALUES (4, '{0}4', NULL)",
    "DO $$ BEGIN INSERT INTO stock VALUES (9, '{0}'); END $$",
    "INSERT INTO sold VALUES ('{0}5')",
    "UPDATE stock SET name = 'other' WHERE name = '{0}'",
    "SELEC '{0}'",
    *(
        "SELECT '{0}'::" + kind
        for kind in ("int", "numeric", "date", "interval", "bool", "uuid", "inet", "point", "json", "colour")
    ),
    "SELECT '2026-11-21 {0}'::timestamptz",
    "SELECT '{{{0}'::int[]",
    "SELECT '{{\"a\": {0}}}'::jsonb",
    "SELECT '{0} & '::tsquery",
    "SELECT xmlparse(document '{0}')",
    "SET work_mem = '{0}'",
    "SELECT set_config('timezone', '{0}', false)",
    "SELECT to_date('{0}', 'YYYY')",
    "SELECT '{0}' FROM nowhere",
]
PARAMETERS = [
    "SELECT %s::int",
    "INSERT INTO stock VALUES (7, %s)",
    "SELECT * FROM stock WHERE id = %s",
    "SELECT %s::date",
]
SCHEMA = """
CREATE TABLE stock (id int PRIMARY KEY, name text UNIQUE, c text NOT NULL DEFAULT '', CHECK (name <> 'none'));
CREATE TABLE sold (name text REFERENCES stock (name));
CREATE TYPE colour AS ENUM ('red');
INSERT INTO stock VALUES (1, 'c4n4ry');
INSERT INTO sold VALUES ('c4n4ry');
"""


@pytest.fixture(scope="module")
def connection() -> Iterator[psycopg.Connection]:
    with postgresql("shop") as server:
        url = server.url.format(service="shop")
        with psycopg.connect(url, autocommit=True) as connected:
            connected.execute(SCHEMA)
            yield connected


@pytest.mark.parametrize("statement", [*STATEMENTS, *PARAMETERS])
def test_no_value_is_told(connection: psycopg.Connection, statement: str) -> None:
    sql, parameters = (statement, [CANARY]) if "%s" in statement else (statement.format(CANARY), None)
    with pytest.raises(psycopg.Error) as raised:
        connection.execute(sql.encode(), parameters)
    assert CANARY[:4] in str(raised.value)
    failure = failure_of(raised.value)
    assert CANARY[:4] not in failure.message
    assert CANARY[:4] not in failure.stack


def test_names_are_told(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error) as raised:
        connection.execute("INSERT INTO stock VALUES (2, %s)", [CANARY])
    assert failure_of(raised.value).message == (
        'duplicate key value violates unique constraint "stock_name_key"\n'
        "DETAIL:  Key (name)=([redacted]) already exists."
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "DETAIL:  Schlüssel »(email)=(c4n4ry)« existiert bereits.",
            "DETAIL:  Schlüssel »(email)=([redacted])« existiert bereits.",
        ),
        ("La clé « (email)=(c4n4ry) » existe déjà.", "La clé « (email)=([redacted]) » existe déjà."),
        (
            "ungültige Eingabesyntax für Typ integer: »c4n4ry«",
            "ungültige Eingabesyntax für Typ integer: »[redacted]«",
        ),
        ("Fehler\nZEILE 1: SELECT 'c4n4ry'\n   ^", "Fehler\nZEILE 1: [redacted]\n   ^"),
        ('CONTEXT:  COPY users, line 1: "1,c4n4ry"', 'CONTEXT:  COPY users, line 1: "[redacted]"'),
        ('COPY t, line 1, column email: "c4n4ry"\n', 'COPY t, line 1, column email: "[redacted]"\n'),
        ("portal with parameters: $1 = 'c4n4ry', $2 = 'c4n4ry'", "portal with parameters: $1 = '[redacted]'"),
        (
            "[SQL: INSERT]\n[parameters: ('ada', 'c4n4ry')]\n(x)",
            "[SQL: INSERT]\n[parameters: [redacted])]\n(x)",
        ),
        ('E11000 dup key: { email: "c4n4ry" }', "E11000 dup key: { [redacted]}"),
        ("Incorrect integer value: 'c4n4ry'\nx", "Incorrect integer value: '[redacted]'\nx"),
        ("with args beginning with: 'c4n4ry' \nx", "with args beginning with: [redacted]\nx"),
    ],
)
def test_what_other_databases_and_languages_quote(text: str, told: str) -> None:
    assert scrub_text(text) == told
