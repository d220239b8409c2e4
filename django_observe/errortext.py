"""What well-known errors quote in their words: addresses that were called, keys of caches, queries."""

from __future__ import annotations

import re
from typing import Final

from django_observe.querytext import scrub_query
from django_observe.secretnames import MASK

_CALLED: Final = re.compile(
    r"""(\b(?:with|for) url:? '?|, url='|\bRedirect location: ')((?:https?:/)?/(?:[^\s"']|'(?!\s|\Z))*)"""
)
"""urllib3, requests, httpx and aiohttp, of calls that failed or were answered by an error."""

_UNROUTED: Final = re.compile(r"""(?<=No route found for path )(["'])([^"'\n]{0,1024})\1(?=\.)""")
"""Channels' URLRouter, of a WebSocket that nobody serves."""

_NOT_REVERSED: Final = re.compile(
    r"(Reverse for '[^'\n]{0,256}' with (?:keyword )?arguments) '(?:(?!Reverse for ).)*?' not found",
    re.DOTALL,
)
"""Django's NoReverseMatch."""

_CACHE_KEY: Final = re.compile(r"""(?<=\bKey ')[^'\n]{1,512}(?=' not found)""")
"""Django's caches, of `incr`."""

_SIGNATURE: Final = re.compile(r"""(?<=\bSignature ")[^"\n]{1,4096}(?=" does not match)""")
"""Django's BadSignature, of forged cookies and links."""

_NETLOC: Final = re.compile(r"""(?<=\bnetloc=')[^'\n]{1,512}(?=@)""")
"""What `urlsplit` and `urlparse` answer, as a whole."""

_QUERY: Final = re.compile(r"""((["']?)QUERY_STRING\2(?:: |=)["']?)([^\s"',}]{1,4096})""")
"""Of `request.META` and of WSGI's environ, as a whole."""


def without_quotes(text: str) -> str:
    """`text` with these masked; paths are told as those of requests are."""
    if "url" in text or "No route found" in text:
        from django_observe.urltext import scrub_url  # which scrubs by `redaction`, as that does by us

        text = _CALLED.sub(lambda found: f"{found[1]}{scrub_url(found[2])}", text)
        text = _UNROUTED.sub(lambda found: f"{found[1]}{scrub_url('/' + found[2])[1:]}{found[1]}", text)
    if "Reverse for" in text:
        text = _NOT_REVERSED.sub(rf"\1 {MASK} not found", text)
    if "' not found" in text:
        text = _CACHE_KEY.sub(MASK, text)
    if '" does not match' in text:
        text = _SIGNATURE.sub(MASK, text)
    if "netloc='" in text:
        text = _NETLOC.sub(MASK, text)
    if "QUERY_STRING" in text:
        text = _QUERY.sub(lambda found: f"{found[1]}{scrub_query(found[3])}", text)
    return text
