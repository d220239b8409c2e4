"""Links between pages that keep the time range."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from django_observe.console.timerange import TimeRange


def link(path: str, shown: TimeRange, *pairs: tuple[str, str], **parameters: str) -> str:
    """`path` with those of the parameters that are not empty, and the range."""
    given = [(key, value) for key, value in (*pairs, *parameters.items()) if value]
    query = "&".join(part for part in (urlencode(given), shown.query) if part)
    return f"{path}?{query}" if query else path or "?"


def of_service(name: str, shown: TimeRange, **parameters: str) -> str:
    """A service's page."""
    return link(f"/services/{quote(name, safe='')}", shown, **parameters)
