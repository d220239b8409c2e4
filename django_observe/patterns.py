"""Secrets that are known by what they look like, whatever they are called; SCRUB_PATTERNS adds to them."""

from __future__ import annotations

import re
from typing import Final

from django_observe import conf
from django_observe.secretnames import MASK

TOKENS: Final = {
    "Amazon access key": (("AKIA", "ASIA"), r"A[KS]IA[A-Z0-9]{16}"),
    "GitHub": (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}"),
    "GitHub, fine-grained": (("github_pat_",), r"github_pat_\w{20,}"),
    "GitLab": (("glpat-",), r"glpat-[\w-]{20,}"),
    "Slack": (
        ("xox", "xapp-", "hooks.slack.com"),
        r"(?:xox[a-z]|xapp)-[\w-]{10,}|(?<=hooks\.slack\.com/services/)[\w/]{20,}",
    ),
    "Telegram": (("/bot",), r"bot[0-9]{8,10}:[\w-]{30,}"),
    "Stripe": (("k_live_", "k_test_", "whsec_"), r"(?:[rs]k_(?:live|test)|whsec)_[\w+/=]{10,}"),
    "Google": (("AIza", "ya29."), r"AIza[\w-]{35}|ya29\.[\w-]{20,}"),
    "npm": (("npm_",), r"npm_[A-Za-z0-9]{36}"),
    "PyPI": (("pypi-",), r"pypi-[\w-]{16,}"),
    "OpenAI, Anthropic": (("sk-",), r"sk-[A-Za-z0-9][\w-]{20,}"),
    "SendGrid": (("SG.",), r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    "Hugging Face": (("hf_",), r"hf_[A-Za-z0-9]{30,}"),
    "DigitalOcean": (("_v1_",), r"do[opr]_v1_[a-f0-9]{64}"),
    "JSON web token": (
        ("eyJ",),
        r"eyJ[\w-]{5,}\.(?:[\w-]*(?:\.[\w-]+){3}|[\w-]{5,}(?:\.[\w-]*)?)",
    ),
    "Django's password hashes": (
        ("pbkdf2_", "argon2", "bcrypt", "scrypt$"),
        r"(?:pbkdf2_sha(?:1|256)|argon2|bcrypt(?:_sha256)?|scrypt)\$[\w$./+=,-]{20,}",
    ),
}
"""Formats of keys and tokens that are issued with marks of their own, by issuer: marks, and the whole."""

_HINT = re.compile(r"_|-|eyJ|AKIA|ASIA|AIza|ya29|SG|slack|/bot|\$")  # one of these is in each of the marks
_MARKS = tuple(mark for marks, _ in TOKENS.values() for mark in marks)
_TOKEN = re.compile(rf"(?<![\w-])(?:{'|'.join(token for _, token in TOKENS.values())})(?!\w)", re.ASCII)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"""://([^\s"'<>]+)""")
_PORT_FOLLOWS = re.compile(r"[^/?#:]*:[0-9]{0,5}(?:[/?#]|\Z)")
_SENTENCE = ").,;:!}"
_SCHEME = re.compile(
    r"\b(bearer[ \t]+(?!realm=)(?=[\w.~+/=-]*(?:[0-9]|[._~+/=-]\w|(?-i:[a-z][A-Z]))|[\w.~+/=-]{20})"
    r"|basic[ \t]+(?=[\w+/=-][a-z+/]{0,256}(?-i:[A-Z0-9=]))"
    r"|token[ \t]+(?=[0-9a-f]{40}))[\w.~+/=-]{6,}",
    re.IGNORECASE | re.ASCII,
)
"""What is a word and no credential stays, as in `Bearer authentication failed`, `Basic Information`."""

_RESET = re.compile(r"/[0-9a-z]{6}-[0-9a-f]{32}(?![\w-])", re.ASCII)


def scrub_keys(text: str) -> str:
    """`text` with private keys (PEM, RFC 7468, and PGP's) masked, also where their end is cut off."""
    return _PRIVATE_KEY.sub(MASK, text)


def scrub_addresses(text: str) -> str:
    """`text` with users, passwords and fragments of URLs masked."""
    return _ADDRESS.sub(_address_masked, text)


def scrub_schemes(text: str) -> str:
    """`text` with the credentials of `Bearer`, `Basic` (RFC 6750, RFC 7617) and of `Token` masked."""
    return _SCHEME.sub(rf"\1{MASK}", text)


def scrub_tokens(text: str) -> str:
    """`text` with well-known formats of tokens masked, and those of Django's links to reset a password."""
    if "/" in text and "-" in text:
        text = _RESET.sub(f"/{MASK}", text)
    marked = _HINT.search(text) is not None and any(map(text.__contains__, _MARKS))
    return _TOKEN.sub(MASK, text) if marked else text


def project_patterns() -> tuple[re.Pattern[str], ...]:
    """The patterns of SCRUB_PATTERNS."""
    return conf.known().scrub_patterns


def scrub_matches(text: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    """`text` with what the project's own patterns find masked: their first group, or all of it."""
    for pattern in patterns:
        text = pattern.sub(_group_masked, text)
    return text


def _address_masked(match: re.Match[str]) -> str:
    return "".join(f"://{_part_masked(part)}" for part in match[1].split("://"))  # one may hold another


def _part_masked(part: str) -> str:
    authority = re.split("[/?#]", part, maxsplit=1)[0]
    if "@" in authority:
        _, _, host = authority.rpartition("@")
        part = f"{MASK}@{host}{part[len(authority) :]}"
    elif "@" in part and ":" in authority and not _PORT_FOLLOWS.match(part):
        part = f"{MASK}@{part.rpartition('@')[2]}"  # a password with `/`, `?` or `#` in it
    bare, _, fragment = part.partition("#")
    closing = fragment[len(fragment.rstrip(_SENTENCE)) :]
    if not fragment or fragment.removesuffix(closing) == MASK:
        return part
    return f"{bare}#{MASK}{closing}"


def _group_masked(match: re.Match[str]) -> str:
    if match.re.groups and match[1] is not None:
        start, end = match.span(1)
        return f"{match.string[match.start() : start]}{MASK}{match.string[end : match.end()]}"
    return MASK
