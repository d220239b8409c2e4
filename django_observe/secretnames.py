"""Names whose values are secrets: of fields, parameters, headers, settings; SCRUB_KEYS adds to them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from django_observe import conf

MASK: Final = "[redacted]"

ANYWHERE: Final = (
    *("passw", "passphrase", "passcode", "pwd", "secret", "token", "credential", "cookie", "authorization"),
    *("apikey", "accesskey", "privatekey", "signingkey", "encryptionkey", "masterkey", "sharedkey", "sshkey"),
    *("accountkey", "webhookkey", "licensekey", "authkey", "session", "sessid", "csrf", "xsrf", "jwt"),
    *("cardnumber", "ccnumber", "pincode", "otpcode", "mfacode", "verificationcode", "securitycode"),
    *("onetimecode", "recoverycode", "backupcode", "codeverifier", "passkey", "hmackey", "fernetkey"),
    *("senha", "contrase", "kennwort"),
)
"""In a name of any case, with or without `-`, `_` and `.`, wherever in it they stand."""

LAST: Final = frozenset(
    {
        *("pass", "pw", "auth", "pin", "otp", "totp", "hotp", "cvv", "cvc", "ssn"),
        *("sid", "sig", "signature", "hmac", "dsn", "bearer"),
    }
)
"""As the whole name or its last word: `db_pass`, `x-signature`, `userPin`; not in `author` or `pin_board`."""

ABOUT: Final = frozenset(
    {
        *("age", "algorithm", "at", "backend", "class", "count", "domain", "enabled", "engine", "error"),
        *("exception", "expired", "expires", "expiry", "host", "in", "interrupted", "invalid", "length"),
        *(
            "lifetime",
            "limit",
            "max",
            "min",
            "mode",
            "model",
            "ms",
            "name",
            "path",
            "policy",
            "port",
            "prefix",
        ),
        *("required", "samesite", "seconds", "serializer", "size", "status", "strength", "timeout", "ttl"),
        *("type", "types", "uri", "url", "usage", "user", "valid", "validator", "validators", "version"),
        *("warning",),
    }
)
"""Last words of names that tell something about a secret, not the secret: `token_type`, `password_length`."""

SETTING: Final = ("API", "AUTH", "TOKEN", "KEY", "SECRET", "PASS", "SIGNATURE", "HTTP_COOKIE")
"""What Django hides in settings (`SafeExceptionReporterFilter.hidden_settings`)."""

NAMING: Final = frozenset({"name", "key", "field", "header", "param", "parameter"})
"""Names whose value may be a secret's name, as in `{"name": "token", "value": "x"}`."""

NAMED: Final = frozenset(
    {
        *("value", "values", "content", "data"),
        *("old", "new", "old_value", "new_value", "before", "after", "from", "to"),
    }
)
"""Names of the values that are described so; those of changes are what audit trails have."""

COMMON: Final = frozenset(
    {
        *("body", "code", "count", "data", "date", "host", "item", "message", "name", "number", "path"),
        *("state", "status", "text", "time", "title", "type", "user", "value"),
    }
)
"""Parts of names of all kinds, few of which are a secret's."""

SHORTEST = 4
"""Letters of a word that does not stand in others by chance, as `pin` does in `shipping`."""

MULTI_WORD = re.compile("passw|passphrase|pwd|secret|credential|pass$", re.IGNORECASE)
"""Names whose values may hold spaces."""

_SEPARATORS = re.compile(r"[\W_]")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ANYWHERE = re.compile("|".join(ANYWHERE))
_SETTING = re.compile("|".join(SETTING), re.IGNORECASE)
_COUNTED = re.compile("tokens|sessions|cookies|tokenbucket")
_HARMLESS = re.compile(
    "secretar|tokeni[sz]|(?:max|min|total|prompt|completion|input|output|cached|reasoning|num)_?tokens"
)
_LONGEST = 256


def is_secret(name: str, added: tuple[str, ...] | None = None) -> bool:
    """Whether a key of this name (any case, with `-`, `_` or neither) has a value that nobody should read.

    Who asks for many names may give what `more` answers.
    """
    return _is_secret(name[:_LONGEST], more() if added is None else added)


def is_counted(name: str) -> bool:
    """Whether a number under this name counts them, as in `tokens: 1534`, and is none itself."""
    return _COUNTED.search(_folded(name[:_LONGEST])) is not None


def is_hidden_setting(name: str) -> bool:
    """Whether Django's own debug page would hide a setting of this name, and that may be a secret."""
    return _SETTING.search(name) is not None and not _tells_about(_WORDS.findall(name))


def is_common(word: str) -> bool:
    """Whether `word`, wherever in a name it stands, masks far more than secrets."""
    folded = _folded(word)
    return 0 < len(folded) < SHORTEST or folded in COMMON


def is_listed(name: str, listed: tuple[str, ...]) -> bool:
    """Whether `listed`, names and patterns of what may be told, has this name; a secret's never may."""
    return any(fnmatchcase(name, pattern) for pattern in listed) and not is_secret(name)


def more() -> tuple[str, ...]:
    """The names that SCRUB_KEYS adds."""
    return conf.known().scrub_keys


@lru_cache(maxsize=4_096)
def _is_secret(name: str, added: tuple[str, ...]) -> bool:
    folded = _folded(name)
    if any(own in folded for own in map(_folded, added) if own):
        return True
    words = _WORDS.findall(name)
    last = words[-1].lower() if words else ""
    if last in LAST or folded in LAST:
        return True
    if _tells_about(words):
        return False
    if "_" in name and name.isupper() and is_hidden_setting(name):
        return True
    return _ANYWHERE.search(_HARMLESS.sub("", folded)) is not None


def _tells_about(words: list[str]) -> bool:
    return len(words) > 1 and words[-1].lower() in ABOUT


def _folded(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()
