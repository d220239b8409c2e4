"""Conditions on spans as people type them: `db.system=mysql`, `url.path~cart`, `status=402`."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Final

import orjson

from django_observe.console.attribute_names import same

_TYPED: Final = re.compile(
    r"\s*([^\s\0=!<>~\"]{1,200})\s*(!=|>=|<=|=|>|<|~|\s+exists\s*$|\s*$)(.*)", re.DOTALL
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(\.\d{1,9})?")
_COMPARED: Final = frozenset({">", "<", ">=", "<="})
_READ: Final = (
    "CASE json_type({0}, ?) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_extract({0}, ?) END"
)
_COLUMNS: Final = {
    "name": "span.name",
    "operation": "span.name",
    "service": "span.service",
    "service.name": "span.service",
    "correlation_id": "span.corr",
    "route": "span.route",
    "status": "span.http",
    "status.message": "span.status_msg",
    "duration_ms": "(span.dur_ns / 1e6)",
}
SHORT_NAMES: Final = frozenset(_COLUMNS)
_ROUTES: Final = frozenset({"route", "http.route"})  # Django's begin without a slash, other frameworks' with
_OUTCOMES: Final = {"error": "span.status=2", "ok": "span.status<>2"}


@dataclass(frozen=True)
class Condition:
    """`operator` is one of = != > < >= <= ~ exists; `text` is the condition as it stands in a link."""

    key: str
    operator: str
    value: str = ""

    @property
    def text(self) -> str:
        """As it is typed and shown."""
        return f"{self.key} exists" if self.operator == "exists" else f"{self.key}{self.operator}{self.value}"

    def sql(self, connection: sqlite3.Connection) -> tuple[str, list[Any]]:
        """What a row of `span` must meet, with its parameters; what it has not, its resource may have."""
        if self.key == "status" and self.value in _OUTCOMES and self.operator in ("=", "!="):
            return f"({_OUTCOMES[self.value]}) = ?", [int(self.operator == "=")]
        if self.key in _COLUMNS:
            return self._met(_COLUMNS[self.key], [])
        parts = [self._of_attribute(connection, name) for name in same(self.key)]
        return f"({' OR '.join(text for text, _ in parts)})", [one for _, values in parts for one in values]

    def _of_attribute(self, connection: sqlite3.Connection, name: str) -> tuple[str, list[Any]]:
        path = f'$."{name}"'
        met, parameters = self._met(_READ.format("attrs"), [path, path])
        rows = connection.execute(f"SELECT id FROM resource WHERE {met}", parameters)  # noqa: S608 - own text
        resources = ", ".join(str(int(row[0])) for row in rows)
        own, own_parameters = self._met(_READ.format("span.attrs"), [path, path])
        text = f'"{name}":'
        named, texts = "instr(span.attrs, ?)", [text]  # by far cheaper than to parse every span's attributes
        if self.operator == "=":
            value = self.value.lstrip("/") if self.key in _ROUTES else self.value
            named, texts = f"{named} AND {named}", [text, orjson.dumps(value).decode()[1:-1]]
        return (
            f"(({named} AND {own}) OR (span.resource IN ({resources}) AND NOT instr(span.attrs, ?)))",
            [*texts, *own_parameters, text],
        )

    def _met(self, found: str, path: list[Any]) -> tuple[str, list[Any]]:
        if self.operator == "exists":
            return f"{found} IS NOT NULL", path
        if self.operator in _COMPARED:
            text = f"(typeof({found}) IN ('integer', 'real') AND {found} {self.operator} ?)"
            return text, [*path, *path, float(self.value)]
        if self.operator == "~":
            found = f"'/' || ltrim({found}, '/')" if self.key in _ROUTES else found
            return f"instr(lower(CAST({found} AS TEXT)), lower(?)) > 0", [*path, self.value]
        if self.key in _ROUTES:
            return f"ltrim({found}, '/') {self.operator} ltrim(?, '/')", [*path, self.value]
        return f"CAST({found} AS TEXT) {self.operator} ?", [*path, self.value]


def condition(text: str) -> Condition:
    """Reads `key=value`, `key exists` or a key alone. Raises ValueError that says what is accepted."""
    matched = _TYPED.fullmatch(text[:1000])
    if not matched:
        raise ValueError(
            f"where={text[:80]}: key=value is accepted, also with != > < >= <= ~ (contains), and `key exists`"
        )
    key, operator, value = matched[1], matched[2].strip() or "exists", matched[3].strip()
    if operator in _COMPARED and not _NUMBER.fullmatch(value):
        raise ValueError(f"where={text[:80]}: {operator} compares numbers, such as {key}{operator}500")
    return Condition(key, operator, value)
