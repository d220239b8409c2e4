"""Paths of requests as they may be told: what the project wrote, and of what clients wrote the plain parts.

The value of a path parameter is told when it is a number or a UUID, or when PATH_PARAMETERS lists it; else
its name is: `/users/<email>/orders/17/`. Where no route matched, plain words and numbers are told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from django.http import HttpRequest
from django.urls.converters import get_converters

from django_observe import conf, knownsecrets
from django_observe.cards import scrub_cards
from django_observe.patterns import scrub_matches
from django_observe.redaction import scrub_text
from django_observe.secretnames import is_listed, is_secret
from django_observe.vocabulary import UNMATCHED_ROUTE

MAX_PATH = 1_024

HIDDEN = "<segment>"
"""In place of a segment that no route explains; PATH_PARAMETERS lists it as `segment`."""

_PLAIN_VALUE = re.compile(
    r"[0-9]{1,18}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)
_PLAIN_SEGMENT = re.compile(
    rf"(?=.{{1,32}}\Z)[a-z]+(?:[-_.][a-z]+)*|v[0-9]{{1,3}}|{HIDDEN}|{_PLAIN_VALUE.pattern}",
    re.ASCII | re.IGNORECASE,
)
_PLAIN_PATH = re.compile(r"(?=.{1,32}\Z)(?:/(?:[a-z]+(?:[-_.][a-z]+)*)?)+", re.ASCII | re.IGNORECASE)
_LONG_NUMBER = re.compile("[0-9]{13}")
"""Not shorter than a card's."""

_PARAMETER = re.compile(r"(?<!\?P)<(?:(?P<converter>\w+):)?(?P<name>\w+)>")
_NAMED_GROUP = re.compile(r"\(\?P<(\w+)>")
_REGEX = re.compile(r"[\^$(\\\[*+]")
_CLASS = re.compile(r"\\(?![.-])\w")
_BETWEEN_WORDS = re.compile(r"[/^$()\[\]{}|*+?<>:=!\\]+")


class _Reading(NamedTuple):
    """A route read as one of `path()`, or as a regular expression: routes do not say which they are."""

    pattern: re.Pattern[str]
    names: dict[int, str]
    """The parameter of each group of `pattern`, by its number."""

    told: dict[str, bool | None]
    """Whether a parameter's value is told; None: if it is plain."""

    template: str | None
    """A path of `path()` with a `%s` for each parameter; None of a regular expression."""

    words: frozenset[str]
    """What a regular expression spells."""


def scrub_path(path: str, route: str = "") -> str:
    """`path` without the values that nobody said may be told; `route` as Django's resolver has it."""
    path = path[:MAX_PATH]
    route = "" if route == UNMATCHED_ROUTE else route.removeprefix("/")
    if route and (path[1:] == route or path[1:] == route.removeprefix("^").removesuffix("$")):
        return path
    settings = conf.known()
    listed = settings.path_parameters
    if route:
        explained = _explained(path, _readings(route, listed, settings.scrub_keys), listed)
        if explained is None:
            return f"/{route}"[:MAX_PATH]
        told = explained
    else:
        told = path if _PLAIN_PATH.fullmatch(path) else _segments(path, listed)
    if listed:
        return scrub_text(told, MAX_PATH)
    told = knownsecrets.masked(told)
    if _LONG_NUMBER.search(told):
        told = scrub_cards(told)
    return scrub_matches(told, settings.scrub_patterns) if settings.scrub_patterns else told


def path_of(request: HttpRequest, route: str = "") -> str:
    """The path of a request as it may be told; `route` is told of those that Django did not resolve."""
    match = request.resolver_match
    route = (match.route or "/") if match else route
    path, info = request.path, request.path_info
    if path == info or not path.endswith(info):
        return scrub_path(path, route)
    return scrub_path(path[: -len(info)]) + scrub_path(info, route)


def _explained(path: str, readings: tuple[_Reading, ...], listed: tuple[str, ...]) -> str | None:
    """The path part by part; None where the route does not explain it: the route is told then."""
    for known in readings:
        if known.template is None:
            match = known.pattern.search(path[1:])
            if match is not None:
                return "/" + "".join(_parts(path[1:], match, known, listed))
        else:
            match = known.pattern.fullmatch(path, 1)
            if match is not None:
                return known.template % tuple(
                    [_shown(match[group], name, known.told[name]) for group, name in known.names.items()]
                )
    return None


def _shown(value: str, name: str, told: bool | None) -> str:
    plain = told or not value or (told is None and _PLAIN_VALUE.fullmatch(value))
    return value if plain else f"<{name}>"


def _parts(path: str, match: re.Match[str], known: _Reading, listed: tuple[str, ...]) -> Iterator[str]:
    """Values or their names, and between them what the route itself spells."""
    done = 0
    for start, end, name in _outermost(match, known):
        yield _segments(path[done:start], listed, known.words)
        yield _shown(path[start:end], name, known.told[name])
        done = end
    yield _segments(path[done:], listed, known.words)


def _outermost(match: re.Match[str], known: _Reading) -> list[tuple[int, int, str]]:
    """Start, end and name of each group that lies in no other; of what holds a secret's, that one alone."""
    spans = [(*match.span(group), name) for group, name in known.names.items() if match.start(group) >= 0]
    if all(one[1] <= other[0] for one, other in pairwise(spans)):
        return spans
    spans.sort(key=lambda span: (known.told[span[2]] is not False, span[0], -span[1]))
    taken: list[tuple[int, int, str]] = []
    for start, end, name in spans:
        if all(end <= other[0] or other[1] <= start for other in taken):
            taken.append((start, end, name))
    return sorted(taken)


def _segments(path: str, listed: tuple[str, ...], words: frozenset[str] = frozenset()) -> str:
    """`path` with each segment hidden that is neither plain nor one of the route's `words`."""
    if "segment" in listed or "*" in listed:
        return path
    return "/".join(
        segment if not segment or segment in words or _PLAIN_SEGMENT.fullmatch(segment) else HIDDEN
        for segment in path.split("/")
    )


@lru_cache(maxsize=1_024)
def _readings(route: str, listed: tuple[str, ...], added: tuple[str, ...]) -> tuple[_Reading, ...]:  # noqa: ARG001 - `is_secret` asks for `added`
    kinds = (False, True) if _REGEX.search(route) else (False,)
    found = [_reading(route, listed, is_regex=is_regex) for is_regex in kinds]
    return tuple(reading for reading in found if reading is not None)


def _reading(route: str, listed: tuple[str, ...], *, is_regex: bool) -> _Reading | None:
    """None where the route makes no expression."""
    names: list[str] = []

    def group(name: str) -> str:
        names.append(name)
        return f"(?P<p{len(names) - 1}>"

    parts, template, done = [], ["/"], 0
    for found in _PARAMETER.finditer(route):
        parts.append(_literal(route[done : found.start()], group, is_regex=is_regex))
        converter = get_converters().get(found["converter"] or "str")
        parts.append(f"{group(found['name'])}{converter.regex if converter else '.+'})")
        template += route[done : found.start()].replace("%", "%%"), "%s"
        done = found.end()
    parts.append(_literal(route[done:], group, is_regex=is_regex))
    template.append(route[done:].replace("%", "%%"))
    try:
        pattern = re.compile("".join(parts))
    except (re.error, OverflowError, Warning):  # a warning is an error under `python -W error`
        return None
    by_group = _names_of(pattern, names, is_regex=is_regex)
    told = {name: False if is_secret(name) else is_listed(name, listed) or None for name in by_group.values()}
    words = frozenset(_BETWEEN_WORDS.split(_CLASS.sub("/", route)))
    return _Reading(pattern, by_group, told, None if is_regex else "".join(template), words)


def _literal(text: str, group: Callable[[str], str], *, is_regex: bool) -> str:
    """What stands between parameters; named groups get names of ours, as nested routes may repeat theirs."""
    return _NAMED_GROUP.sub(lambda found: group(found[1]), text) if is_regex else re.escape(text)


def _names_of(pattern: re.Pattern[str], names: list[str], *, is_regex: bool) -> dict[int, str]:
    """The parameter of each group; one without a name is called by its position, as Django passes it."""
    ours = {pattern.groupindex[f"p{place}"]: name for place, name in enumerate(names)}
    unnamed = [number for number in range(1, pattern.groups + 1) if number not in ours and is_regex]
    return ours | {number: str(place) for place, number in enumerate(unnamed)}
