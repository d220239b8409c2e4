"""The running service, asked as a neighbour of it would: under the canary's ID and trace, or plainly."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.http.request import split_domain_port, validate_host

from django_observe import conf, trust
from django_observe.doctor.canary import Canary
from django_observe.doctor.fetching import Answer, fetch
from django_observe.vocabulary import Header

_DISALLOWED: Final = (b"DisallowedHost", b"Bad Request (400)")
"""Of Django's pages, with DEBUG and without."""
_LOCAL: Final = (".localhost", "127.0.0.1", "[::1]")
"""Django's own with DEBUG, where ALLOWED_HOSTS is empty."""
USUAL: Final = "http://127.0.0.1:8000"
SECONDS: Final = 5.0
_PYTHON_SERVERS: Final = ("gunicorn", "uvicorn", "wsgiserver", "daphne", "hypercorn", "waitress", "granian")
PATH: Final = "/observe-doctor"
"""Asked where the URL has no path of its own. No project has it: Django answers 404, and that is observed."""


def ask(url: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """GETs `path` of the host of `url`, by a name that the project's services answer to, see `allowed_name`.

    Raises:
        FetchError: there is no whole answer.
    """
    told = {"User-Agent": "observe-doctor", "Accept": "*/*", **(headers or {})}
    name = allowed_name(url)
    if name:
        told["Host"] = name
    return fetch(urlsplit(url), path, told, SECONDS)


def send(url: str, canary: Canary, header: str) -> Answer:
    """The canary's own request, its ID in `header`. Raises FetchError."""
    return ask(url, _target(url), {header: canary.correlation_id, Header.TRACEPARENT: canary.traceparent})


def send_root(url: str, identifier: str) -> Answer:
    """A request of another ID that begins a trace of its own. Raises FetchError."""
    return ask(url, _target(url), {conf.settings().correlation_headers[0]: identifier})


def may_refuse_host(url: str, answer: Answer) -> bool:
    """Whether `answer` may be Django's DisallowedHost: a path that the project has may say 400 for itself."""
    own = _target(url) == PATH or any(words in answer.body for words in _DISALLOWED)
    return answer.status == HTTPStatus.BAD_REQUEST and own


def _target(url: str) -> str:
    """The kit's own endpoints are neither counted nor traced, so they are no canary's."""
    parts, settings = urlsplit(url), conf.settings()
    if parts.path in (settings.live_path, settings.ready_path, settings.metrics_path):
        return PATH
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or PATH


def allowed_name(url: str) -> str:
    """The name of ALLOWED_HOSTS to ask by in place of an address that it has not; empty if that is well.

    Django refuses others with 400, and mails each such request to ADMINS. A name that somebody gave is kept:
    by it what stands before the service, such as an ingress, knows whose the request is.
    """
    if not _is_address(urlsplit(url).hostname or ""):
        return ""
    allowed = dict(conf.named_values()).get("ALLOWED_HOSTS") or _LOCAL * conf.settings().debug
    if validate_host(split_domain_port(_host(url))[0], allowed):
        return ""
    plain = [each for each in allowed if each.strip(".") and "*" not in each]
    return next(iter(sorted(plain, key=lambda each: each.startswith("."))), "").lstrip(".")


def _is_address(host: str) -> bool:
    return host == "localhost" or trust.parsed(host) is not None


def address(url: str) -> str:
    """Scheme, host and port, as they may be shown."""
    return f"{urlsplit(url).scheme}://{_host(url)}"


def is_direct(answer: Answer) -> bool:
    """Whether it names a server that runs Python; some proxies, such as HAProxy, leave that as it is."""
    return answer.headers.get("Server", "").lower().startswith(_PYTHON_SERVERS)


def is_neighbour(url: str) -> bool:
    """Whether services of ours tell this host their IDs (PROPAGATE_TO), so that it is to take them."""
    host = urlsplit(url).hostname or ""
    return trust.may_be_told(host, conf.settings().propagate_to, conf.PRIVATE_NETWORKS)


def _host(url: str) -> str:
    """Host and port, as they may be shown."""
    return urlsplit(url).netloc.rpartition("@")[2]
