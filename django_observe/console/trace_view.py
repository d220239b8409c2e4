"""How a trace is being looked at: everything that changes what is shown is in the query string."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from django_observe.console import outline

ROWS: Final = 2_000
TABS: Final = ("waterfall", "logs", "sql", "json")
LOGS: Final = {"all": outline.ALL, "warn": 13, "none": outline.NO_LOGS}
_ZOOM: Final = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
_ID: Final = re.compile(r"[0-9a-f]{16}")
_IDS: Final = 100


@dataclass(frozen=True)
class View:
    """`span` is an ID in hex, `log` a row's number; `zoom_us` counts from the trace's start.

    `shut` are closed spans, `open` opened folds by their first span; `page` counts from 1.
    """

    tab: str = "waterfall"
    span: str = ""
    log: str = ""
    q: str = ""
    logs: str = "all"
    zoom_us: tuple[int, int] | None = None
    shut: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    path: bool = True
    page: int = 1

    def parameters(self) -> dict[str, str]:
        """The view as fields of a query string, without those that are as they are anyway."""
        zoom = self.zoom_us
        fields = {
            "tab": self.tab if self.tab != TABS[0] else "",
            "q": self.q,
            "logs": self.logs if self.logs != "all" else "",
            "zoom": f"{zoom[0]}-{zoom[1]}" if zoom else "",
            "shut": ".".join(sorted(self.shut)),
            "open": ".".join(sorted(self.open)),
            "path": "" if self.path else "0",
            "page": str(self.page) if self.page > 1 else "",
            "span": self.span,
            "log": self.log,
        }
        return {name: value for name, value in fields.items() if value}

    def query(self, **changes: Any) -> str:
        """The view with `changes` as a relative link."""
        return "?" + urlencode(replace(self, **changes).parameters())

    @property
    def fields(self) -> dict[str, str]:
        """What a form for the words to search carries along."""
        return replace(self, q="", page=1).parameters()

    @property
    def links(self) -> dict[str, str]:
        """Links of the tool bar by what they change."""
        return {
            **{f"logs_{name}": self.query(logs=name, page=1) for name in LOGS},
            "path": self.query(path=not self.path),
            "unzoom": self.query(zoom_us=None),
            "no_q": self.query(q=""),
            "close": self.query(span="", log=""),
        }

    @property
    def selecting(self) -> str:
        """What a link that selects a row starts with; the row's `span=` or `log=` follows."""
        rest = self.query(span="", log="")
        return rest if rest == "?" else f"{rest}&"

    def toggling(self, field: str) -> Callable[[str], str]:
        """Makes of a row's ID the link that opens or closes it; `field` is `shut` or `open`."""
        known: frozenset[str] = getattr(self, field)
        rest = self.query(**{field: frozenset()})
        start = rest if rest == "?" else f"{rest}&"
        return lambda identity: f"{start}{field}={'.'.join(sorted(known ^ {identity}))}"


def of(parameters: Mapping[str, str]) -> View:
    """What the query string asks for; what it cannot mean is left out."""
    tab, logs, log = (parameters.get(name, "") for name in ("tab", "logs", "log"))
    zoom, page = _ZOOM.fullmatch(parameters.get("zoom", "")), parameters.get("page", "")
    span = parameters.get("span", "").lower()
    return View(
        tab=tab if tab in TABS else TABS[0],
        span=span if _ID.fullmatch(span) else "",
        log=log if _is_number(log) else "",
        q=parameters.get("q", "").strip()[:200],
        logs=logs if logs in LOGS else "all",
        zoom_us=(int(zoom[1]), int(zoom[2])) if zoom and int(zoom[1]) < int(zoom[2]) else None,
        shut=_ids(parameters.get("shut", "")),
        open=_ids(parameters.get("open", "")),
        path=parameters.get("path") != "0",
        page=int(page) if _is_number(page) and int(page) else 1,
    )


def _ids(text: str) -> frozenset[str]:
    """So many that a page stays small: each of its links tells them all."""
    return frozenset(_ID.findall(text)[:_IDS])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16  # noqa: PLR2004 - fits SQLite's integers
