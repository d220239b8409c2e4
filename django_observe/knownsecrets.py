"""The secrets this process was given, in settings and variables, masked wherever they are.

No pattern finds a bare password in a driver's error or in `print(os.environ)`; but the process knows its own.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import quote, unquote

from django_observe import conf
from django_observe.reporting import guard
from django_observe.secretnames import MASK

MIN_LENGTH: Final = 8
"""Characters; shorter values are too often part of something else."""

MAX_SECRETS: Final = 200
MAX_VALUES: Final = 5_000
"""Looked at in one setting: more would hold up the first line that is logged."""

_SECRET = re.compile(
    r"SECRET(?!AR)|PASSW(?:OR)?D|PASSPHRASE|CREDENTIALS?|_PWD(?:_|$)|(?:_|^)TOKENS?(?:_|$)|(?:_|^)JWT(?:_|$)"
    r"|(?:API|ACCESS|PRIVATE|SIGNING|ENCRYPTION)_?KEYS?|(?:_|^)(?:KEYS?|PASS|AUTH|PEPPER|SALT|SIGNATURE)$"
)
_ABOUT = re.compile(
    r"(?<!ACCESS_KEY)_(?:NAME|UR[LI]|HEADER|PATH|FILE|FILENAME|DIR|BACKEND|CLASS|MODEL|PREFIX|TIMEOUT|AGE|VALIDATOR"
    r"|HASHER|LENGTH|ALGORITHM|TYPE|ISSUER|AUDIENCE|DOMAIN|HOST|VERSION|FUNCTION|ENGINE|SERIALIZER|VIEW|ALIAS"
    r"|FIELD|PARAM|LIFETIME|TTL|FORMAT|REGION|SCOPE|ENDPOINT|POLICY|RATE|LIMIT|CLAIM|ID)(?:E?S)?$"
    r"|(?:ROUTING|PARTITION|PRIMARY|FOREIGN|CACHE|SORT|LOOKUP|CONTEXT|SESSION|PUBLIC|PUBLISHABLE)_KEYS?$"
)
"""Endings of names that tell something about a secret (PASSWORD_HASHERS, TOKEN_URL), or of none at all."""

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USERINFO = re.compile(r"://([^/?#\s]{1,512})@")
_PLAIN = re.compile(r"[A-Za-z]+(?:[._-][A-Za-z]+)*")
_WORD = re.compile(r"[a-z]+(?:[._-][a-z]+)*")
_LONG_USER = 16

_known: tuple[str, ...] | None = None


def masked(text: str) -> str:
    """`text` without this process's own secrets.

    They are looked for one after the other: for 200 of them that is six times as fast as one alternation.
    """
    for secret in _known if _known is not None else _read():
        if secret in text:
            text = re.sub(_whole(secret), MASK, text) if secret.isdecimal() else text.replace(secret, MASK)
    return text


def _whole(number: str) -> str:
    """Matches digits that are not part of a longer number, such as an amount or a time."""
    return rf"(?<!\d){number}(?!\d)"


def _read() -> tuple[str, ...]:
    """Those of the environment as long as Django has no settings; then all, once for all."""
    global _known
    if not conf.configured():
        return _of_environment()
    _known = _secrets()
    return _known


@lru_cache(maxsize=1)
def _of_environment() -> tuple[str, ...]:
    return _secrets()


def _secrets() -> tuple[str, ...]:
    """In each way they are written, the longest first."""
    found: dict[str, None] = {}
    names: set[str] = set()
    for name, value in conf.named_values():
        names.update(_words(name))
        with guard("knownsecrets"):
            for secret, leaf in _leaves(name, value):
                found.update(dict.fromkeys(_within(secret, leaf)))
                if not secret:
                    names.update(_words(leaf))
    known = [each for each in found if len(each) >= MIN_LENGTH and not _is_name(each, names)]
    ways = {way for secret in known[:MAX_SECRETS] for way in _ways(secret)}
    return tuple(sorted(ways, key=len, reverse=True))


def _leaves(name: str, value: Any) -> Iterator[tuple[bool, str]]:
    """The texts in a value, each with whether its own name, or one above it, is a secret's.

    Only Python's own kinds are looked into, by their type alone: `isinstance` asks a lazy object what it is,
    and the line that is logged would open a connection.
    """
    ahead: deque[tuple[str, Any, bool]] = deque([(name, value, _is_secret(name))])
    for _ in range(MAX_VALUES):
        if not ahead:
            return
        name, value, secret = ahead.popleft()
        kind, room = type(value), max(MAX_VALUES - len(ahead), 0)
        if issubclass(kind, str):
            yield secret, str.__str__(value)
        elif issubclass(kind, bytes):
            yield secret, bytes.decode(value, "utf-8", "replace")
        elif issubclass(kind, dict):
            for key, item in list(islice(dict.items(value), room)):
                own = str.__str__(key) if issubclass(type(key), str) else ""
                yield False, own
                ahead.append((own, item, _is_secret(f"{name}_{own}" if secret else own)))
        elif issubclass(kind, (list, tuple, set, frozenset)):
            ahead.extend((name, item, secret) for item in islice(value, room))


def _is_secret(name: str) -> bool:
    name = _HUMP.sub("_", name).upper().replace("-", "_")
    return _SECRET.search(name) is not None and _ABOUT.search(name) is None


def _within(secret: bool, leaf: str) -> Iterator[str]:
    """The secrets of one text: itself, or the passwords in its URLs (a long user without one is a token)."""
    if secret:
        yield leaf.strip()
    for userinfo in _USERINFO.findall(leaf):
        user, _, password = userinfo.partition(":")
        given = password or (user if len(user) >= _LONG_USER else "")
        yield from (given, unquote(given))


def _words(text: str) -> Iterator[str]:
    bare = _USERINFO.sub("://", text).lower()
    yield bare
    for word in _WORD.findall(bare):
        yield word
        yield from re.split("[._-]", word)


def _is_name(value: str, names: set[str]) -> bool:
    """Whether a value is a plain word that something else here is called: hiding it would blot every text."""
    return value.isspace() or (_PLAIN.fullmatch(value) is not None and value.lower() in names)


def _ways(secret: str) -> set[str]:
    """As it is, percent-encoded, and as Python and JSON write it between quotes."""
    return {secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
