"""URLs of requests, also to others: host, path and names of parameters; neither user nor fragment."""

from __future__ import annotations

import re

from django_observe.pathtext import scrub_path
from django_observe.querytext import scrub_query
from django_observe.secretnames import MASK

_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,31}:)?//[^/?#]*|")


def scrub_url(url: str) -> str:
    """`url` as it may be told: `https://api.example/users/<segment>?page=[redacted]`; a bare path as well."""
    host = _HOST.match(url)
    origin = host[0] if host else ""
    path, mark, query = url[len(origin) :].partition("#")[0].partition("?")
    scheme, slashes, authority = origin.partition("//")
    _, at, name = authority.rpartition("@")
    origin = f"{scheme}{slashes}{MASK}@{name}" if at else origin
    return f"{origin}{scrub_path(path)}{mark}{scrub_query(query)}"
