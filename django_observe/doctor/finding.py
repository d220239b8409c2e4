"""What the examination of one hop finds."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

OK: Final = "ok"
BROKEN: Final = "broken"
NOT_CONFIGURED: Final = "not configured"

_CREDENTIALS: Final = re.compile(r"""(?<=://)[^\s'"]+@|(?<![^\s'"=])(?!\w[\w+.-]*://)[^\s'"=/@]+:[^\s'"]*@""")
"""Before the host of a URL, and of what should be one; a password may hold the mark that breaks its URL."""
_QUOTED: Final = 240
_QUERY: Final = re.compile(r"""(://[^\s'"?]*\?)[^\s'"]*[^\s'":;,]""")


@dataclass(frozen=True)
class Finding:
    """One hop of telemetry's way, and how it came out."""

    hop: str
    """Of 18 characters at most, as it stands in a column."""
    state: str
    says: str
    """What was seen, in one line."""
    cause: str = ""
    """Why it is broken."""
    change: str = ""
    """The very line to write; more than one where lines have to change together."""

    def without_secrets(self) -> Finding:
        """The same, to be shown: without credentials and queries in what endpoints and others have said."""
        told = map(shown, (self.says, self.cause, self.change))
        return replace(self, **dict(zip(("says", "cause", "change"), told, strict=True)))


def quoted(text: str) -> str:
    """What another program answers, to its last whole word within a line."""
    text = " ".join(text.split())
    if len(text) <= _QUOTED:
        return text
    return f"{text[:_QUOTED].rpartition(' ')[0] or text[:_QUOTED]} ..."


def shown(text: str) -> str:
    """A text of endpoints or others, without credentials and queries."""
    return _QUERY.sub(r"\1...", _CREDENTIALS.sub("USER:PASSWORD@", text))
