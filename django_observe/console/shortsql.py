"""SQL as short as a line of the waterfall is: what Django quotes and enumerates is left out."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_CHARS: Final = 2_000
_QUALIFIED: Final = re.compile(r'["`\[]?\w+["`\]]?\.["`\[]?(\w+)["`\]]?')
_QUOTED: Final = re.compile(r'["`\[](\w+)["`\]]')
_TABLE: Final = re.compile(
    r'\b(?:FROM|INTO|UPDATE|TABLE)\s+["`\[]?(\w+)["`\]]?(?:\.["`\[]?(\w+))?', re.IGNORECASE
)
_COLUMNS: Final = re.compile(r"^(SELECT(?: DISTINCT)?) (?!COUNT|EXISTS|1 ).{12,}? FROM ", re.IGNORECASE)
_INSERTED: Final = re.compile(r"^(INSERT INTO \w+) \(.{12,}?\) ", re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")


@lru_cache(maxsize=1024)
def shortened(statement: str) -> str:
    """`SELECT … FROM orders_order WHERE id = %s`: names without quotes and tables, no list of columns."""
    text = _SPACE.sub(" ", statement[:_CHARS]).strip()
    text = _QUOTED.sub(r"\1", _QUALIFIED.sub(r"\1", text))
    return _INSERTED.sub("\\1 (…) ", _COLUMNS.sub("\\1 … FROM ", text))


@lru_cache(maxsize=1024)
def table_of(statement: str) -> str:
    """The first table that a statement names; empty when it names none."""
    found = _TABLE.search(statement[:_CHARS])
    return (found[2] or found[1]) if found else ""
