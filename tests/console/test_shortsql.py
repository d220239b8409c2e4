"""SQL on one line of the waterfall."""

from __future__ import annotations

import pytest

from django_observe.console import waterfall
from django_observe.console.shortsql import shortened, table_of
from tests.console.rows import CLIENT, span


@pytest.mark.parametrize(
    ("statement", "short", "table"),
    [
        (
            'SELECT "sale"."id", "sale"."customer_id" FROM "sale" WHERE "sale"."id" = %s',
            "SELECT … FROM sale WHERE id = %s",
            "sale",
        ),
        (
            "SELECT COUNT(*) AS `__count` FROM `shop_order`",
            "SELECT COUNT(*) AS __count FROM shop_order",
            "shop_order",
        ),
        (
            'INSERT INTO "shop_order" ("customer_id", "total") VALUES (%s, %s) RETURNING "shop_order"."id"',
            "INSERT INTO shop_order (…) VALUES (%s, %s) RETURNING id",
            "shop_order",
        ),
        ('UPDATE "shop_order" SET "total" = %s', "UPDATE shop_order SET total = %s", "shop_order"),
        ('DELETE FROM "sales"."shop_order"', "DELETE FROM shop_order", "shop_order"),
        ('SELECT "t"."a", "t"."b" FROM "t"', "SELECT a, b FROM t", "t"),
        ("select  a\n from t", "select a from t", "t"),
        ("BEGIN IMMEDIATE", "BEGIN IMMEDIATE", ""),
        ("", "", ""),
    ],
)
def test_quotes_tables_and_columns_are_left_out(statement: str, short: str, table: str) -> None:
    assert shortened(statement) == short
    assert table_of(statement) == table


def test_a_query_that_is_named_by_its_verb_shows_its_table() -> None:
    attrs = {
        "db.system": "sqlite",
        "db.query.text": 'SELECT "a"."total", "a"."placed" FROM "a" WHERE "a"."b" = %s',
    }
    named = span("SELECT", kind=CLIENT, attrs=attrs)
    (line,) = waterfall.build([named], [], {}).lines
    assert (line.text, line.hint) == ("SELECT a", "SELECT … FROM a WHERE b = %s")
    (line,) = waterfall.build([{**named, "name": "SELECT orders"}], [], {}).lines
    assert line.text == "SELECT orders"
