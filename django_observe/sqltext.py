"""SQL without the values in it: a statement for telling queries apart, never for what they were about.

A scanner, not a parser: it knows what literals, names in quotes and comments look like in the dialects of
PostgreSQL, MySQL, SQLite, Oracle and SQL Server. Where these disagree on where a literal ends, it trusts the
dialect only if it is told, and else takes all that follows for a literal. Each character is looked at a
bounded number of times. (sqlparse, which Django depends on, takes 100 times as long and nests calls.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

MAX_SQL: Final = 16_384
"""Characters of a statement that are kept; what is cut within a literal is a literal to the end."""

_LONGEST_CACHED: Final = 2_048
_TOKEN: Final = re.compile(
    r"""(?P<word>[^\W\d][\w$]*'?)|(?P<number>\.?\d[\w.]*)|(?P<string>')|(?P<double>")|(?P<back>`)|(?P<bracket>\[)
    |(?P<dollar>\$(?:[^\W\d]\w*)?\$)|(?P<line>--)|(?P<hash>\#)|(?P<block>/\*)""",
    re.VERBOSE,
)
_PLAIN: Final = re.compile(
    r"""(?:"[^\W\d][\w$]{0,127}"(?!")|(?<![\w$])[^\W\d][\w$]*(?![\w$'])|\.(?!\d)|[\s,()=%<>*;]+)+"""
)
"""Words, names in double quotes and what is between them: most of a statement, in one go."""

_NAME: Final = re.compile(r"[^\W\d][\w$]{0,127}")
_IN_BRACKETS: Final = re.compile(r"\w{1,128}\]")
_SPACE: Final = re.compile(r"\s+")
_LIST: Final = re.compile(r"(?P<first>[-+]?\?|%s)(?: ?, ?(?:[-+]?\?|%s))+")
_ROWS: Final = re.compile(r"(?P<first>\((?:[-+]?\?|%s)\))(?: ?, ?\((?:[-+]?\?|%s)\))+")
_PASSWORD: Final = re.compile(r"(?i)\b(identified by (?:values )?|password (?:for \w+ )?= ?)(?!\?)[^\s;]+")
_NAMES_IN_DOUBLE_QUOTES: Final = (
    "postgres",
    "sqlite",
    "oracle",
    "redshift",
    "cockroach",
    "microsoft",
    "mssql",
)
_BRACKETS_ARE_ARRAYS: Final = ("postgres", "redshift", "cockroach")


def without_values(sql: str, dialect: str = "") -> str:
    """`sql` with `?` for each literal, lists of these folded, comments left out, white space as one blank.

    `dialect` is a database's vendor or engine as Django or OpenTelemetry name it (`postgresql`, `mysql`).
    Names in double quotes stay where it is known to have names there; MySQL has strings.
    """
    return _cached(sql, dialect) if len(sql) <= _LONGEST_CACHED else _masked(sql, dialect)


def _masked(sql: str, dialect: str) -> str:
    text = _SPACE.sub(" ", _Scan(sql[:MAX_SQL], dialect.lower()).text()).strip()
    text = _ROWS.sub(r"\g<first>", _LIST.sub(r"\g<first>", text))
    return _PASSWORD.sub(r"\1?", text)


_cached = lru_cache(maxsize=1024)(_masked)


class _Scan:
    """One pass through a statement; a method per kind of token answers where it ends, -1 for unknown."""

    def __init__(self, sql: str, dialect: str) -> None:
        self._sql = sql
        self._is_postgresql = any(name in dialect for name in _BRACKETS_ARE_ARRAYS)
        self._is_mysql = "mysql" in dialect or "maria" in dialect
        self._is_oracle = "oracle" in dialect
        self._has_names = any(name in dialect for name in _NAMES_IN_DOUBLE_QUOTES)
        self._told: list[str] = []

    def text(self) -> str:
        sql, told, position = self._sql, self._told, 0
        while (found := _TOKEN.search(sql, position)) is not None:
            if self._has_names and (plain := _PLAIN.match(sql, position)):
                told.append(plain[0])
                position = plain.end()
                continue
            told.append(sql[position : found.start()])
            position = _ENDS[found.lastgroup or ""](self, found)
            if position < 0:
                told.append("?")
                return "".join(told)
        told.append(sql[position:])
        return "".join(told)

    def word(self, found: re.Match[str]) -> int:
        """A name or a keyword; or what a literal begins with, such as `E'`."""
        if not found[0].endswith("'"):
            self._told.append(found[0])
            return found.end()
        prefix = found[0][:-1].lower()
        if prefix in ("q", "nq"):
            return self._quoted_otherwise(found.end())
        return self._string(found.end(), escapes=prefix == "e" and self._is_postgresql)

    def number(self, found: re.Match[str]) -> int:
        self._told.append("?")
        return found.end()

    def string(self, found: re.Match[str]) -> int:
        return self._string(found.end(), escapes=False)

    def double(self, found: re.Match[str]) -> int:
        """A name, in MySQL a string."""
        end = self._end_of('"', found.end(), escapes=False)
        return self._name(found.start(), end, is_name=self._has_names)

    def back(self, found: re.Match[str]) -> int:
        return self._name(found.start(), self._end_of("`", found.end(), escapes=False), is_name=True)

    def bracket(self, found: re.Match[str]) -> int:
        """A name of SQL Server's and SQLite's; an array of PostgreSQL's."""
        if self._is_postgresql or _IN_BRACKETS.match(self._sql, found.end()):
            self._told.append("[")
            return found.end()
        return -1

    def dollar(self, found: re.Match[str]) -> int:
        """PostgreSQL's string that needs no escapes."""
        end = self._sql.find(found[0], found.end()) if self._is_postgresql else -1
        self._told.append("?" if end >= 0 else "")
        return end + len(found[0]) if end >= 0 else -1

    def line(self, found: re.Match[str]) -> int:
        """A comment; for MySQL only with a blank."""
        following = self._sql[found.end() : found.end() + 1]
        return self._comment(found, certain=self._has_names or not following.strip())

    def hash(self, found: re.Match[str]) -> int:
        """A comment of MySQL's, an operator of PostgreSQL's."""
        if self._is_postgresql:
            self._told.append("#")
            return found.end()
        return self._comment(found, certain=self._is_mysql)

    def block(self, found: re.Match[str]) -> int:
        """A comment; nested in PostgreSQL only, and code in MySQL if it begins with `!`."""
        end = self._sql.find("*/", found.end())
        within = self._sql[found.end() : end]
        if end < 0 or "/*" in within or within.startswith(("!", "M!")):
            return -1
        self._told.append(" ")
        return end + 2

    def _comment(self, found: re.Match[str], *, certain: bool) -> int:
        """To the end of the line; a quote in what may be none begins a literal that may go on after it."""
        end = self._sql.find("\n", found.end())
        end = len(self._sql) if end < 0 else end
        if not certain and any(mark in self._sql[found.end() : end] for mark in "'\"`$[*"):
            return -1
        self._told.append(" ")
        return end

    def _string(self, start: int, *, escapes: bool) -> int:
        end = self._end_of("'", start, escapes=escapes)
        self._told.append("?" if end >= 0 else "")
        return end

    def _quoted_otherwise(self, start: int) -> int:
        """Oracle's q'[...]'."""
        opening = self._sql[start : start + 1]
        closing = {"[": "]", "{": "}", "(": ")", "<": ">"}.get(opening, opening) + "'"
        end = self._sql.find(closing, start + 1) if self._is_oracle and opening else -1
        self._told.append("?" if end >= 0 else "")
        return end + 2 if end >= 0 else -1

    def _name(self, start: int, end: int, *, is_name: bool) -> int:
        if end >= 0:
            kept = is_name and _NAME.fullmatch(self._sql, start + 1, end - 1) is not None
            self._told.append(self._sql[start:end] if kept else "?")
        return end

    def _end_of(self, quote: str, start: int, *, escapes: bool) -> int:
        """Behind the closing quote; -1 if there is none, or if it may be escaped by a backslash."""
        sql, position = self._sql, start
        while (end := sql.find(quote, position)) >= 0:
            text = sql[position:end]
            if (len(text) - len(text.rstrip("\\"))) % 2:
                if not escapes:
                    return -1
                position = end + 1
            elif sql.startswith(quote, end + 1):
                position = end + 2
            else:
                return end + 1
        return -1


_ENDS: Final[dict[str, Callable[[_Scan, re.Match[str]], int]]] = {
    kind: getattr(_Scan, kind) for kind in _TOKEN.groupindex
}
