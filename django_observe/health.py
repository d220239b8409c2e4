"""The liveness and readiness answers: alive touches nothing, ready asks every dependency at once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from django_observe import conf, dependencies, exposition
from django_observe.probe import Verdict, ask
from django_observe.requestmark import observation_of

OK, FAILED = "ok", "failed"

KEEP_SECONDS = 1.0
"""How long a verdict holds: whoever asks in a loop asks no dependency more often, and logs no more."""

_METHODS = ("GET", "HEAD")
_NEVER_KEPT = {"Cache-Control": "no-store"}
_logger = logging.getLogger(__name__)


def live(request: HttpRequest) -> HttpResponse:
    """200 as long as this process can answer at all."""
    return _answer({"status": OK}, 200) if request.method in _METHODS else _refused()


def ready(request: HttpRequest) -> HttpResponse:
    """200 when every dependency answers in READY_TIMEOUT seconds, else 503.

    Who may read the metrics page is also told each check, its time, and what its error says, scrubbed and
    cut. Others learn nothing of what is inside.
    """
    if request.method not in _METHODS:
        return _refused()
    kept, verdicts = _kept, _verdicts()
    if kept is _kept:
        _leave_no_line(request)
    failed = any(verdict.error is not None for verdict in verdicts.values())
    document: dict[str, Any] = {"status": FAILED if failed else OK}
    if exposition.allowed(request.META.get("REMOTE_ADDR", ""), request.headers):
        document["checks"] = {name: _told(verdict) for name, verdict in verdicts.items()}
    return _answer(document, 503 if failed else 200)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was found last, at what time (perf_counter), under which settings."""

    verdicts: dict[str, Verdict]
    at: float
    settings: conf.Settings


_kept: _Kept | None = None


def _verdicts() -> dict[str, Verdict]:
    """What every dependency said, KEEP_SECONDS ago at most."""
    global _kept
    settings, kept = conf.settings(), _kept
    if kept is not None and kept.settings is settings and perf_counter() - kept.at < KEEP_SECONDS:
        return kept.verdicts
    verdicts = ask(dependencies.checks(), settings.ready_timeout)
    _kept = _Kept(verdicts, perf_counter(), settings)
    failed = {name: verdict.error for name, verdict in verdicts.items() if verdict.error is not None}
    if failed:
        _logger.warning("not ready: %s", "; ".join(f"{name}: {error}" for name, error in failed.items()))
    return verdicts


def _told(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {
        "status": OK if verdict.error is None else FAILED,
        "duration_ms": round(verdict.seconds * 1_000, 3),
    }
    if verdict.error is not None:
        told["error"] = verdict.error
    return told


def _leave_no_line(request: HttpRequest) -> None:
    """What was kept has been told: once for each verdict, not for each who asks."""
    observation = observation_of(request)
    if observation is not None:
        observation.forget()


def _answer(document: dict[str, Any], status: int) -> HttpResponse:
    body = orjson.dumps(document)
    return HttpResponse(body, content_type="application/json", status=status, headers=_NEVER_KEPT)


def _refused() -> HttpResponse:
    return HttpResponseNotAllowed(_METHODS, headers=_NEVER_KEPT)
