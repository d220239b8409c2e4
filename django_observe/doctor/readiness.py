"""The hop of the service's readiness: what it needs itself may be away, and its own answer says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from django_observe import conf
from django_observe.doctor import asking, exposed
from django_observe.doctor.canary import Canary
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding

HOP: Final = "readiness"
_SETTINGS: Final = {"database": "DATABASES", "cache": "CACHES", "broker": "CELERY_BROKER_URL"}
"""Where the address of each kind of check is set; others are READY_CHECKS of the project."""


def examine(canary: Canary) -> Iterator[Finding]:
    """Asks each service once whether it is ready."""
    path = conf.settings().ready_path
    if path is None:
        yield Finding(HOP, NOT_CONFIGURED, "DJANGO_OBSERVE: READY_PATH is None")
        return
    if not canary.urls:
        yield Finding(HOP, NOT_CONFIGURED, canary.nowhere)
    for url in canary.urls:
        yield _asked(url, path)


def _asked(url: str, path: str) -> Finding:
    address = f"{asking.address(url)}{path}"
    try:
        answer = exposed.read(url, path)
    except FetchError as fault:
        return Finding(HOP, NOT_CONFIGURED, f"{asking.address(url)} does not answer: {fault}")
    told = _document(answer.body)
    if told is None or answer.status not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
        return Finding(HOP, NOT_CONFIGURED, f"{address} answers {answer.status}, not as the kit does")
    checks = told.get("checks")
    known = checks if isinstance(checks, dict) else {}
    if answer.status == HTTPStatus.OK:
        return Finding(HOP, OK, f"{address} says ready: {', '.join(known) or 'no checks told'}")
    failed = {
        name: str(check.get("error"))
        for name, check in known.items()
        if isinstance(check, dict) and check.get("error") is not None
    }
    return _failed(address, failed)


def _failed(address: str, failed: dict[str, str]) -> Finding:
    if not failed:
        cause = "a check of the service failed; which, it tells those alone who may read its metrics page"
        return Finding(HOP, BROKEN, f"{address} answers 503", cause, "see the log of the service: not ready")
    says = "; ".join(f"{name}: {error}" for name, error in failed.items())
    names = dict.fromkeys(_SETTINGS.get(name.partition(":")[0], "READY_CHECKS") for name in failed)
    return Finding(
        HOP,
        BROKEN,
        f"{address} answers 503: {' '.join(says.split())}",
        cause=f"the service does not reach what it needs: {', '.join(failed)}",
        change=f"start it, or mend its address in the service's settings: {', '.join(names)}",
    )


def _document(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and "status" in told else None
