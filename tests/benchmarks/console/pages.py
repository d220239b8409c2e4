"""The pages that are looked at: those that are always there, and one of each that these lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from tests.console.running import Console

_LISTS: Final = ("/services", "/map", "/traces", "/logs", "/traces?status=error", "/settings")
_LEADING: Final = {"/services": ("/services/",), "/traces": ("/trace/", "/c/")}
_LINK: Final = r'href="({}[^"?#]+)'


def once(console: Console) -> Iterator[str]:
    """Each page once; without data there is no service, trace or correlation ID to look at."""
    yield from _LISTS
    for listed, kinds in _LEADING.items():
        text = console.get(listed).text
        for kind in kinds:
            if found := re.search(_LINK.format(kind), text):
                yield unescape(found[1])


def by_turns(console: Console) -> Iterator[str]:
    """For ever; of services the first by name, of traces the newest at that time."""
    while True:
        yield from once(console)
