"""No literal of a statement survives: in any dialect, told or not, and in texts that are hostile."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import cast

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import StatusCode

from django_observe import otlpspans, spantext, sqltext
from django_observe.json import document
from django_observe.redaction import scrub_text
from django_observe.sqltext import without_values

CANARY = "c4n4ry"
NUMBER = 987654321


@pytest.mark.parametrize(
    ("dialect", "sql", "told"),
    [
        ("postgresql", 'SELECT "a"."id", \'x\' FROM "a" LIMIT 21', 'SELECT "a"."id", ? FROM "a" LIMIT ?'),
        ("postgresql", "WHERE id IN (1, 2, -3) AND c IN (%s, %s)", "WHERE id IN (?) AND c IN (%s)"),
        ("postgresql", "VALUES (1, 'a'), (2, 'b'), (%s, NULL)", "VALUES (?), (%s, NULL)"),
        ("postgresql", "x = E'it\\'s' AND y = $tag$it's$tag$ AND z = 2", "x = ? AND y = ? AND z = ?"),
        (
            "postgresql",
            "d #>> '{a}' = ANY(ARRAY['a','b']) AND e[1] = 0xFF",
            "d #>> ? = ANY(ARRAY[?]) AND e[?] = ?",
        ),
        (
            "postgresql",
            "a::int = :b AND c = %(d)s --it's\n AND e = 'f'",
            "a::int = :b AND c = %(d)s AND e = ?",
        ),
        ("mysql", "`a`.`b2` = \"x\" AND c = 'it''s' # it's\n AND d = 1", "`a`.`b2` = ? AND c = ? AND d = ?"),
        ("mysql", "a = 'it\\'s' AND b = 1", "a = ?"),
        ("mysql", "/*! SELECT '*/ x' */ FROM t", "?"),
        ("sqlite", 'SELECT "t"."a" /* one */ FROM t WHERE b = X\'00\'', 'SELECT "t"."a" FROM t WHERE b = ?'),
        ("oracle", "a = q'[it's]' AND b = N'c'", "a = ? AND b = ?"),
        ("oracle", "CREATE USER shop IDENTIFIED BY tiger", "CREATE USER shop IDENTIFIED BY ?"),
        ("microsoft", "SELECT [id] FROM [t] WHERE a = N'b'", "SELECT [id] FROM [t] WHERE a = ?"),
        ("microsoft", "SELECT [it's] FROM t WHERE a = 'b'", "SELECT ?"),
        ("", "SELECT \"a\" FROM t WHERE b = 'c'", "SELECT ? FROM t WHERE b = ?"),
        ("", "SELECT a -- it's\nFROM t", "SELECT a FROM t"),
        ("", "SELECT a--'\n'FROM t", "SELECT a?"),
        ("redis", "SET ? ?", "SET ? ?"),
        ("mongodb", '{"find": "users", "filter": {"age": 7}}', "{?: ?: {?: ?}}"),
        ("", "a = 'never closed", "a = ?"),
    ],
)
def test_what_is_left(dialect: str, sql: str, told: str) -> None:
    assert without_values(sql, dialect) == told


def _doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _escaped(quote: str) -> Callable[[str], str]:
    return lambda text: quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def _dollars(tag: str) -> Callable[[str], str]:
    return lambda text: f"${tag}${text.replace('$', '')}${tag}$"


STRINGS: dict[str, list[Callable[[str], str]]] = {
    "postgresql": [_doubled, lambda text: "E" + _escaped("'")(text), _dollars(""), _dollars("t1")],
    "mysql": [
        _escaped("'"),
        _escaped('"'),
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '""') + '"',
        lambda text: "_utf8" + _doubled(text.replace("\\", "\\\\")),
    ],
    "sqlite": [_doubled],
    "oracle": [_doubled, lambda text: f"q'[{text.replace(']', '')}]'", lambda text: "N" + _doubled(text)],
    "microsoft": [_doubled, lambda text: "N" + _doubled(text)],
}
NAMES = {
    "postgresql": ['"a"', '"it\'s"', '"a ""b"""', "data #>> ", "e[1]", '"\\"'],
    "mysql": ["`a`", "`it's`", "`a``b`", '`"`'],
    "sqlite": ['"a"', '"it\'s"', "[it's]", "`it's`"],
    "oracle": ['"a"', '"it\'s"', "a$b$"],
    "microsoft": ["[a]", "[it's]", '["]', '"it\'s"'],
}
COMMENTS = {
    "postgresql": ["/* it's /* nested */ \" */", "-- it's\n", "--'\n"],
    "mysql": ["/* it's */", "-- it's \"\n", "# it's\n", "5--'\n'"],
    "sqlite": ["/* it's \" */", "--it's\n"],
    "oracle": ["/* it's */", "-- $a$\n"],
    "microsoft": ["/* it's */", "-- [\n"],
}
HOSTILE = st.text(st.sampled_from("ab'\"`\\$#-/*[](){},;:%@! \n\x00é"), max_size=12)


@st.composite
def statements(draw: st.DrawFn) -> tuple[str, str]:
    """A dialect and a statement that is well-formed in it, as far as quotes and comments go."""
    dialect = draw(st.sampled_from(sorted(STRINGS)))
    parts = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(["string", "number", "name", "comment"]))
        if kind == "string":
            text = draw(HOSTILE) + CANARY + draw(HOSTILE)
            parts.append(draw(st.sampled_from(STRINGS[dialect]))(text))
        elif kind == "number":
            parts.append(
                draw(st.sampled_from(["{}", "-{}", "{}.5", ".{}", "{}e10", "0x{}", "1e-{}"])).format(NUMBER)
            )
        else:
            parts.append(draw(st.sampled_from((NAMES if kind == "name" else COMMENTS)[dialect])))
    return dialect, "SELECT " + draw(st.sampled_from([" , ", " = ", "\n AND "])).join(parts)


@given(statements())
@settings(max_examples=1_000, deadline=None)
def test_no_literal_survives(statement: tuple[str, str]) -> None:
    dialect, sql = statement
    for known in (dialect, ""):
        told = without_values(sql, known)
        assert CANARY not in told
        assert str(NUMBER) not in told


@given(st.text(max_size=200), st.sampled_from(["", *STRINGS]))
@settings(max_examples=300, deadline=None)
def test_it_never_raises_and_is_stable(sql: str, dialect: str) -> None:
    told = without_values(sql, dialect)
    assert len(told) <= len(sql) + 1
    assert not any(character in told for character in "\n\t")


@pytest.mark.parametrize(
    "part",
    ["'", '"', "`", "\\'", "$a$", "$$'", "[", "[a]", "(", "1 ", "/*", "--'\n", "#\n", "?, ", " ", "E'", "a."],
)
def test_its_time_is_bounded(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes no more than a statement's beginning; but more would take as much longer, and no longer."""
    monkeypatch.setattr(sqltext, "MAX_SQL", 1_000_000)

    def seconds(length: int) -> float:
        started = time.thread_time()
        for dialect in ("", "postgresql", "mysql"):
            without_values(part * (length // len(part)), dialect)
        return time.thread_time() - started

    assert seconds(100_000) < 10 * seconds(25_000) + 0.2


@pytest.mark.parametrize(
    "text",
    [
        f'violates "users_email_key"\nDETAIL:  Key (email)=({CANARY}) already exists.',
        f'Key (a, lower(b))=(1, {CANARY}) or so) is not present in table "users".',
        f"Key (a)=(1\n{CANARY}) already exists.",
        f"Key (a)=(x) conflicts with existing key (a)=({CANARY}).",
        f"Failing row contains (1, {CANARY}, null).",
        f'invalid input syntax for type integer: "{CANARY}"',
        f'invalid input value for enum color: "{CANARY}"',
        f'syntax error at or near "{CANARY}"\nLINE 1: ...{CANARY}\' AND a = 1\n          ^',
        f'date/time field value out of range: "{CANARY}"',
        f'value "{CANARY}" is out of range for type integer',
        f'invalid input syntax for type json\nDETAIL:  Token "{CANARY}" is invalid.',
        f"unnamed portal with parameters: parameter $1 = '{CANARY}', $2 = '{CANARY}'",
        f"CONTEXT:  SQL statement \"INSERT INTO a VALUES ('{CANARY}')\"",  # noqa: S608
        f"(1062, \"Duplicate entry 'it's {CANARY}' for key 'users.email'\")",
        f"(1366, \"Incorrect integer value: '{CANARY}' for column 'age' at row 1\")",
        f"You have an error in your SQL syntax; near 'x' AND p='{CANARY}'' at line 1",
        f'unrecognized token: "\'{CANARY}"',
        f"The duplicate key value is (1, {CANARY}).",
        f"Conversion failed when converting the varchar value '{CANARY}' to data type int.",
        f"Field 'id' expected a number but got '{CANARY}'.",
    ],
)
def test_what_databases_quote_is_masked(text: str) -> None:
    for told in (scrub_text(text), scrub_text(f"could not save: {text}\n\nThe above exception")):
        assert CANARY not in told
        assert "[redacted]" in told


@pytest.mark.parametrize(
    "text",
    [
        'relation "users" does not exist',
        "UNIQUE constraint failed: users.email",
        'null value in column "name" of relation "users" violates not-null constraint',
        "(1146, \"Table 'shop.users' doesn't exist\")",
        "f(a)=(b)",
        'the key "a" has the value "b"',
    ],
)
def test_names_stay(text: str) -> None:
    assert scrub_text(text) == text


def test_the_rest_of_an_error_stays() -> None:
    error = 'violates "users_email_key"\nDETAIL:  Key (email)=(x) already exists.\n\nThe above exception'
    assert scrub_text(error) == error.replace("(x)", "([redacted])")


@pytest.mark.django_db
def test_djangos_lines_about_queries_have_no_values(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in the message nor beside it, as Django puts them into the statement too."""
    with caplog.at_level("DEBUG", "django.db.backends"), CaptureQueriesContext(connection):
        list(ContentType.objects.filter(model=CANARY))
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s, 'c4n4ry'", [CANARY])
            cursor.executemany("DELETE FROM django_content_type WHERE model = %s", [[CANARY], [CANARY]])
    lines = [document(record) for record in caplog.records if record.name == "django.db.backends"]
    assert len(lines) == 3
    assert any(CANARY in str(vars(record)) for record in caplog.records)
    for line in lines:
        assert CANARY not in str(line)
        assert "params" not in line
        assert line["alias"] == "default"
        assert isinstance(line["duration"], float)
        assert line["sql"] in line["message"]
    assert lines[1]["sql"] == "SELECT ?"
    assert 'FROM "django_content_type" WHERE "django_content_type"."model" = ?' in lines[0]["message"]


@pytest.mark.django_db(transaction=True)
def test_a_line_about_a_change_of_the_schema_has_no_values(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level("DEBUG", "django.db.backends.schema"),
        connection.schema_editor(collect_sql=True) as editor,
    ):
        editor.execute(f"ALTER TABLE t ALTER c SET DEFAULT %s, d = '{CANARY}'", [CANARY])
    [line] = [document(record) for record in caplog.records if record.name == "django.db.backends.schema"]
    assert line["message"] == line["sql"] == "ALTER TABLE t ALTER c SET DEFAULT %s, d = ?"
    assert CANARY not in str(line)


@pytest.mark.parametrize("system", [{"db.system": "postgresql"}, {"db.system.name": "postgresql"}, {}])
@pytest.mark.parametrize("name", ["db.statement", "db.query.text"])
def test_a_spans_statement_has_no_values(name: str, system: dict[str, str]) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    error = f"DETAIL:  Key (email)=({CANARY}) already exists."
    statement = f"SELECT \"a\" FROM t WHERE b = '{CANARY}' AND c = %s"  # noqa: S608 - it is not run
    with tracer.start_as_current_span("SELECT", attributes={**system, name: statement}) as span:
        span.set_attribute("db.query.parameter.c", CANARY)
        span.set_attribute("db.statement.parameters", f"['{CANARY}']")
        span.record_exception(IntegrityError(error))
        span.set_status(StatusCode.ERROR, f"IntegrityError: {error}")
    sent = otlpspans.encode([cast("ReadableSpan", span)])
    assert CANARY.encode() not in sent
    assert b"FROM t WHERE b = ? AND c = %s" in sent
    assert (b'SELECT "a"' in sent) == bool(system)
    assert b"Key (email)=([redacted]) already exists." in sent


IN_ONE_GO = [
    '"a"',
    '"a""b"',
    "'",
    "'x'",
    "E'",
    "\\'",
    ".5",
    "a1",
    "1a",
    "$",
    "$t$",
    "--",
    "\n",
    "/*",
    "*/",
    "#",
    "`",
    "[",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*IN_ONE_GO, *'] ,.()="é%q'])).map("".join),
    st.sampled_from(["postgresql", "sqlite", "oracle"]),
)
def test_what_is_passed_in_one_go_is_told_as_piece_by_piece(sql: str, dialect: str) -> None:
    at_once = sqltext._masked(sql, dialect)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqltext, "_PLAIN", re.compile("(?!)"))
        assert sqltext._masked(sql, dialect) == at_once


def test_a_statement_of_spans_is_scrubbed_once() -> None:
    names = ", ".join(f"a{number}" for number in range(900))
    sql = "SELECT " + names + " FROM t WHERE b = 'c4n4ry'"  # noqa: S608 - never run
    before = spantext.statement.cache_info().hits
    for _ in range(2):
        told = spantext.told("db.statement", sql, {"db.statement": sql, "db.system": "postgresql"})
        assert told == scrub_text(without_values(sql, "postgresql"), spantext.MAX_VALUE)
    assert spantext.statement.cache_info().hits == before + 1
