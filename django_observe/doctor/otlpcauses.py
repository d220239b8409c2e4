"""What is behind an endpoint that is no collector's, and the line to change: tried out where it can be."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django_observe import conf
from django_observe.doctor import loki, otlpcase, otlpunanswered
from django_observe.doctor.finding import quoted
from django_observe.doctor.otlpcase import GENERAL, HTTP_PORT, Case, Cause
from django_observe.doctor.otlplook import SUCCESSES, Look

_REDIRECTS: Final = range(300, 400)
_WRONG_PATH: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)
_UNAUTHORIZED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_SHOWN: Final = 160


def found(signal: str, seen: Look, attempt: Callable[[str], Look]) -> Cause:
    """Of a look that met no collector; `attempt` looks at another URL."""
    parts = otlpcase.parts_of(seen.url)
    if parts is None:
        given = conf.otlp_variable(signal, "ENDPOINT")
        meant = f"http://{given.rpartition('://')[2]}"
        return Cause(
            f"{given!r} is no URL",
            "an endpoint begins with http:// or https:// and has a host",
            f"{otlpcase.variable(signal)}={meant if otlpcase.parts_of(meant) else f'http://HOST:{HTTP_PORT}'}",
        )
    case = Case(signal, seen, parts, attempt)
    if seen.error is not None:
        return otlpunanswered.cause(case, seen.error)
    if seen.status in _REDIRECTS:
        return _redirected(case)
    if seen.status in _UNAUTHORIZED:
        return _unauthorized(case)
    return _foreign(case) if seen.status in (*_WRONG_PATH, *SUCCESSES) else _refused(case)


def _redirected(case: Case) -> Cause:
    target = case.seen.location or "nowhere"
    leads = target.startswith(("http://", "https://")) and urlsplit(target).path == case.parts.path
    login = "" if leads else ", and this one leads to something else, such as a login page"
    return Cause(
        f"{case.host} redirects to {target[:_SHOWN]}",
        f"redirects are not followed: telemetry would go where nobody sent it{login}",
        case.line(target) if leads else case.elsewhere or case.unknown,
    )


def _unauthorized(case: Case) -> Cause:
    if loki.NO_TENANT_SAID in case.seen.text:
        return Cause(f"{case.host} answers {case.seen.status}{_said(case.seen)}", *loki.NO_TENANT)
    sent = "those it is sent are refused" if conf.otlp_variable(case.signal, "HEADERS") else "gets none"
    asked = (case.seen.headers or {}).get("WWW-Authenticate", "")
    scheme = "Bearer" if asked.lower().startswith("bearer") else "Basic"
    return Cause(
        f"{case.host} answers {case.seen.status}{_said(case.seen)}",
        f"it wants credentials, and {sent}",
        f"OTEL_EXPORTER_OTLP_HEADERS=authorization={scheme}%20..."
        "    # as your vendor gives it; %20 is a space",
    )


def _foreign(case: Case) -> Cause:
    seen, path = case.seen, case.parts.path or "/"
    if seen.status in SUCCESSES:
        says = f"{case.host} answers {seen.status} with {seen.kind or 'text'}{_said(seen)}"
        cause = "what listens there is no collector: it takes telemetry and keeps none"
    else:
        says = f"{case.host} answers {seen.status} for {path}"
        cause = "the path is not that of its OTLP receiver, or what listens there is no collector"
        if path.count("/v1/") > 1:
            cause = f"{GENERAL} ends in a path of one signal, and each signal's own is added to it"
        elif case.variable != GENERAL:
            cause = f"{case.variable} is used as it is: no path is added to it"
    return Cause(says, cause, case.elsewhere or case.unknown)


def _refused(case: Case) -> Cause:
    seen = case.seen
    says = f"{case.host} answers {seen.status}{_said(seen)}"
    if seen.status == HTTPStatus.BAD_REQUEST and "HTTPS" in seen.text:
        cause = "the endpoint says http://, and the port is of HTTPS"
        return Cause(says, cause, case.line(case.by("https")))
    if seen.status == HTTPStatus.BAD_REQUEST and loki.METADATA_SAID in seen.text:
        return Cause(
            f"{case.host} answers {seen.status}: Loki takes no structured metadata", *loki.METADATA_OFF
        )
    if seen.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        cause = "it takes another protocol, such as http/json; http/protobuf is the one that is sent"
        return Cause(says, cause, case.elsewhere or case.unknown)
    if seen.status >= HTTPStatus.INTERNAL_SERVER_ERROR or seen.status == HTTPStatus.TOO_MANY_REQUESTS:
        cause = "the collector, or a proxy before it, is overloaded or has lost what is behind it"
    else:
        cause = "the receiver does not take what it is sent"
    return Cause(says, cause, case.elsewhere or f"see the log of what listens on {case.host}")


def _said(seen: Look) -> str:
    if not seen.text or seen.kind == "text/html":
        return ""
    return f": {quoted(seen.text)}"
