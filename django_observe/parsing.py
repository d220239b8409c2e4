"""Parsers of setting values: each returns the value in its final type or says what it would have accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, TypeAlias, TypeVar

Parsed = TypeVar("Parsed")
Parser: TypeAlias = Callable[[Any], Parsed]

MAX_PORT = 65_535
TASK_TRACES = ("child", "link", "new")
BACKENDS = ("console", "jaeger", "loki", "prometheus", "grafana")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_URL = re.compile(r"https?://([^\s/?#@]+@)?[^\s/?#@]+(/[^\s?#]*)?")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_HOST = re.compile(r"<private>|<single-label>|(\*\.)?[A-Za-z0-9._:-]+|\*", re.ASCII)


class Networks(tuple[IPv4Network | IPv6Network, ...]):  # noqa: SLOT001 - it keeps what follows
    """Networks as one value that is looked up on every request: its hash is computed once (saves 33k)."""

    def __init__(self, _networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._hash = super().__hash__()
        self._ranges = [(each.version, int(each[0]), int(each[-1])) for each in self]

    def __hash__(self) -> int:
        return self._hash

    def hold(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether one of them does; `address in network` takes 3k instructions for each of them."""
        version, value = address.version, int(address)
        return any(first <= value <= last and each == version for each, first, last in self._ranges)


class SettingError(ValueError):
    """A value that a setting does not take: what it takes, and what to do."""

    def __init__(self, accepted: str, remedy: str) -> None:
        super().__init__(accepted)
        self.accepted = accepted
        self.remedy = remedy


def text(value: Any) -> str:
    """A non-empty string."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise SettingError("a non-empty string", "Give one, or leave the setting out.")


def text_or_none(value: Any) -> str | None:
    """A non-empty string or None."""
    return None if value is None else text(value)


def text_or_empty(value: Any) -> str:
    """A string; an empty one, as an unset variable gives it, means that nothing is chosen."""
    if isinstance(value, str):
        return value.strip()
    raise SettingError("a string", "Give one, or leave the setting out.")


def texts(value: Any) -> tuple[str, ...]:
    """A list of non-empty strings."""
    return tuple(text(item) for item in _items(value, "a list of strings, such as ['iban']"))


def patterns(*examples: str) -> Parser[tuple[str, ...]]:
    """A list of names, and of patterns as `fnmatch` has them; `examples` are what a fault names."""
    accepted = f"a list of names or patterns, such as {list(examples)}"
    return lambda value: tuple(text(item) for item in _items(value, accepted))


def expressions(value: Any) -> tuple[re.Pattern[str], ...]:
    """A list of regular expressions, as texts or compiled, none of which finds something in nothing."""
    accepted = r"a list of regular expressions such as [r'\bcust-(\d{8})\b']"
    return tuple(_expression(item, accepted) for item in _items(value, accepted))


def _expression(item: Any, accepted: str) -> re.Pattern[str]:
    if isinstance(item, re.Pattern) and isinstance(item.pattern, str):
        compiled = item
    elif isinstance(item, str):
        try:
            compiled = re.compile(item)
        except re.error as fault:
            place = "" if fault.pos is None else f" at position {fault.pos}"
            raise SettingError(accepted, f"Mend {item!r}: {fault.msg}{place}.") from None
    else:
        raise SettingError(accepted, f"{item!r} is no regular expression of text.")
    if compiled.search("") is not None:
        raise SettingError(
            accepted, f"{compiled.pattern!r} matches the empty text, so everywhere; ask for more."
        )
    return compiled


def boolean(value: Any) -> bool:
    """True or False."""
    if isinstance(value, bool):
        return value
    raise SettingError("True or False", "Use the Python boolean, not a string or number.")


def switch(value: Any) -> bool | str:
    """True, False, or the dotted path of a callable that takes the records instead."""
    if isinstance(value, bool) or (isinstance(value, str) and _DOTTED.fullmatch(value)):
        return value
    raise SettingError("True, False or a dotted path such as 'shop.telemetry.report'", "Use one of these.")


def choice(*accepted: str) -> Parser[str]:
    """One of `accepted`, in any case."""
    by_folded = {item.lower(): item for item in accepted}

    def parse(value: Any) -> str:
        if isinstance(value, str) and value.lower() in by_folded:
            return by_folded[value.lower()]
        raise SettingError(f"one of {', '.join(map(repr, accepted))}", "Choose one of these.")

    return parse


def seconds(value: Any) -> float:
    """A positive number of seconds, at most a day."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86_400:  # noqa: PLR2004
        return float(value)
    raise SettingError("a number of seconds above 0", "Give a number such as 2 or 0.5.")


def port_or_none(value: Any) -> int | None:
    """A TCP port, or None for off."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_PORT):
        return value
    raise SettingError("a port from 1 to 65535, or None for off", "Give a free port.")


def port_variable(value: str) -> int | None:
    """A TCP port as an environment variable gives it; 0 for off."""
    if re.fullmatch("[0-9]{1,5}", value) and int(value) <= MAX_PORT:
        return int(value) or None
    raise SettingError("a port from 1 to 65535, or 0 for off", "Give a free port, or unset it.")


def path_or_none(value: Any) -> str | None:
    """A URL path from the root, or None for off."""
    if value is None or (
        isinstance(value, str) and value.startswith("/") and value.isprintable() and " " not in value
    ):
        return value
    raise SettingError("a path that starts with '/', or None for off", "Write it as '/metrics'.")


def paths(value: Any) -> tuple[str, ...]:
    """A list of URL path prefixes."""
    items = _items(value, "a list of paths that start with '/'")
    return tuple(path for path in map(path_or_none, items) if path is not None)


def header_or_none(value: Any) -> str | None:
    """A header name (RFC 9110 token), or None for off."""
    if value is None or (isinstance(value, str) and _TOKEN.fullmatch(value)):
        return value
    raise SettingError(
        "a header name such as 'X-Correlation-ID', or None for off", "Use letters, digits and '-'."
    )


def header_names(value: Any) -> tuple[str, ...]:
    """A list of header names."""
    items = _items(value, "a list of header names such as ['X-Correlation-ID', 'X-Request-ID']")
    return tuple(name for name in map(header_or_none, items) if name is not None)


def task_trace(value: Any) -> str | tuple[tuple[str, str], ...]:
    """One of `TASK_TRACES` for all tasks, or pairs of a task's name or pattern and one of these."""
    accepted = (
        "'child', 'link' or 'new', or a dict such as {'shop.tasks.nightly': 'new', 'reports.*': 'link'}"
    )
    if isinstance(value, str) and value in TASK_TRACES:
        return value
    if not isinstance(value, Mapping):
        raise SettingError(accepted, "Choose one for all tasks, or one for each name or pattern.")
    for name, chosen in value.items():
        if not (isinstance(name, str) and name.strip()):
            raise SettingError(accepted, f"{name!r} is neither a task's name nor a pattern.")
        if chosen not in TASK_TRACES:
            raise SettingError(accepted, f"Choose one of the three for {name!r}, not {chosen!r}.")
    return tuple(value.items())


def backends(value: Any) -> tuple[tuple[str, str], ...]:
    """Pairs of one of `BACKENDS` and its URL, without a slash at the end."""
    accepted = "a dict such as {'jaeger': 'http://127.0.0.1:16686'} of " + ", ".join(BACKENDS)
    if not isinstance(value, Mapping):
        raise SettingError(accepted, "Make it a dict.")
    for name, url in value.items():
        if name not in BACKENDS:
            raise SettingError(accepted, f"{name!r} is none of these.")
        if not (isinstance(url, str) and _URL.fullmatch(url)):
            raise SettingError(
                accepted, f"Give {name} as http://host:port, https://host or https://user:password@host."
            )
    return tuple((name, url.rstrip("/")) for name, url in value.items())


def networks(value: Any) -> Networks:
    """A list of networks in CIDR form."""
    accepted = "a list of networks such as ['10.0.0.0/8', '::1/128']"
    items = [text(item) for item in _items(value, accepted)]
    try:
        return Networks(ip_network(item, strict=False) for item in items)
    except ValueError as fault:
        raise SettingError(accepted, f"Write each in CIDR form ({fault}).") from None


def host_patterns(value: Any) -> tuple[str, ...]:
    """A list of host names, '*.suffix' patterns, '<private>' and '<single-label>'."""
    accepted = "a list of hosts such as ['orders', '*.internal', '<private>', '<single-label>']"
    items = list(_items(value, accepted))
    for item in items:
        if not (isinstance(item, str) and _HOST.fullmatch(item)):
            raise SettingError(accepted, f"{item!r} is not one; leave scheme, port and path out.")
    return tuple(item.lower() for item in items)


def dotted_paths_or_none(value: Any) -> tuple[str, ...] | None:
    """A list of dotted paths, or None for the built-in ones only."""
    if value is None:
        return None
    items = _items(value, "a list of dotted paths such as ['shop.health.warehouse']")
    if all(isinstance(item, str) and _DOTTED.fullmatch(item) for item in items):
        return tuple(items)
    raise SettingError(
        "a list of dotted paths such as ['shop.health.warehouse']", "Name importable callables."
    )


def _items(value: Any, accepted: str) -> Iterable[Any]:
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    raise SettingError(accepted, "Make it a list.")
