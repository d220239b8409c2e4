"""A backend that is asked by HTTP: one deadline, a bounded answer, no redirect followed, nothing believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from django_observe.doctor.fetching import Answer, FetchError, fetch
from django_observe.doctor.finding import BROKEN, Finding, quoted

TITLES: Final = {
    "console": "the console",
    "grafana": "Grafana",
    "jaeger": "Jaeger",
    "loki": "Loki",
    "prometheus": "Prometheus",
}
USUAL: Final = {
    "console": "http://127.0.0.1:8088",
    "grafana": "http://127.0.0.1:3000",
    "jaeger": "http://127.0.0.1:16686",
    "loki": "http://127.0.0.1:3100",
    "prometheus": "http://127.0.0.1:9090",
}
"""Where each is on a machine that runs it with nothing changed."""
ASK_SECONDS: Final = 5.0
_SHOWN: Final = 160
_REDIRECTS: Final = range(300, 400)
_REFUSED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class SourceError(Exception):
    """A backend gave no answer that can be used: what was seen, why, and the line to change."""

    def __init__(self, says: str, cause: str, change: str) -> None:
        super().__init__(says)
        self.says, self.cause, self.change = says, cause, change

    def finding(self, hop: str) -> Finding:
        """The same as what the examination of `hop` found."""
        return Finding(hop, BROKEN, self.says, self.cause, self.change)


@dataclass(frozen=True)
class Source:
    """A backend by its key in BACKENDS; `url` may hold a path, and a user and password for Basic."""

    key: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name in sentences."""
        return TITLES[self.key]

    @cached_property
    def address(self) -> str:
        """The URL without what is secret in it: for links and for the screen."""
        parts = self._parts()
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"

    def json(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        seconds: float = ASK_SECONDS,
        missing: bool = False,
    ) -> Any:
        """The parsed answer; None for a 404 in JSON, where `missing` is an answer. Raises SourceError."""
        answer = self.ask(path, query, seconds)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND if missing else HTTPStatus.OK):
            raise self._odd(path, answer)
        try:
            parsed = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._odd(path, answer) from None
        return parsed if answer.status == HTTPStatus.OK else None

    def ask(self, path: str, query: Mapping[str, str] | None = None, seconds: float = ASK_SECONDS) -> Answer:
        """The answer, whatever its status. Raises SourceError."""
        target = f"{self._parts().path.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            return fetch(self._parts(), target, {**self._credentials(), **self.headers}, seconds)
        except FetchError as fault:
            says = f"{self.title} does not answer at {self.address}: {fault}"
            raise SourceError(says, fault.cause, fault.change or self.started()) from None

    def setting(self, url: str = "") -> str:
        """The line that names this backend."""
        return f'DJANGO_OBSERVE = {{"BACKENDS": {{"{self.key}": "{url or USUAL[self.key]}"}}}}'

    def started(self) -> str:
        """The line for one that does not answer."""
        return self.setting()

    def introduced(self) -> str:
        """The line that gives it credentials."""
        return self.setting(self.address.replace("://", "://USER:PASSWORD@", 1))

    def unlike(self, path: str) -> SourceError:
        """The error of an answer that is JSON, but not what this backend says."""
        return self._foreign(path, "JSON of another shape")

    def _odd(self, path: str, answer: Answer) -> SourceError:
        says = f"{self.address} answers {answer.status} to {path}"
        if answer.status in _REDIRECTS:
            seen = f"{self.address} redirects to {answer.location[:_SHOWN] or 'nowhere'}"
            return SourceError(
                seen, "a login page or another address; redirects are not followed", self.setting()
            )
        if answer.status in _REFUSED:
            return SourceError(
                f"{says}: {_start(answer)}",
                "it asks for credentials that it was not given",
                self.introduced(),
            )
        if answer.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            return self._foreign(path, answer.kind or "no content type")
        return SourceError(
            f"{says}: {_start(answer)}",
            f"{self.title} is there, but cannot answer",
            f"see the log of {self.title}",
        )

    def _foreign(self, path: str, seen: str) -> SourceError:
        return SourceError(
            f"{self.address} is not {self.title}: it answers {path} with {seen}",
            "the address is of something else, or lacks a path before it",
            self.setting(),
        )

    def _credentials(self) -> dict[str, str]:
        parts = self._parts()
        if parts.username is None:
            return {}
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _parts(self) -> SplitResult:
        return urlsplit(self.url)


def _start(answer: Answer) -> str:
    return quoted(answer.body[: 4 * _SHOWN].decode("utf-8", "replace")) or "nothing"
