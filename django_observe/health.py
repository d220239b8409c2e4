"""The liveness and readiness answers: alive touches nothing, ready asks every dependency at once."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from django_observe import conf, dependencies, exposition
from django_observe.probe import Verdict, ask

OK, FAILED = "ok", "failed"
_logger = logging.getLogger(__name__)


def live(request: HttpRequest) -> HttpResponse:
    """200 as long as this process can answer at all."""
    return _answer(request, {"status": OK}, 200)


def ready(request: HttpRequest) -> HttpResponse:
    """200 when every dependency answers in READY_TIMEOUT seconds, else 503; with each check and its time.

    Who may read the metrics page is also told what an error says, scrubbed and cut; others only its type:
    error texts name hosts and users.
    """
    if request.method not in ("GET", "HEAD"):
        return _answer(request, {}, 405)
    verdicts = ask(dependencies.checks(), conf.settings().ready_timeout)
    failed = {name: verdict.error for name, verdict in verdicts.items() if verdict.error is not None}
    if failed:
        _logger.warning("not ready: %s", "; ".join(f"{name}: {error}" for name, error in failed.items()))
    whole = exposition.allowed(request.META.get("REMOTE_ADDR", ""), request.headers)
    checks = {name: _told(verdict, whole=whole) for name, verdict in verdicts.items()}
    return _answer(request, {"status": FAILED if failed else OK, "checks": checks}, 503 if failed else 200)


def _told(verdict: Verdict, *, whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "status": OK if verdict.error is None else FAILED,
        "duration_ms": round(verdict.seconds * 1_000, 3),
    }
    if verdict.error is not None:
        told["error"] = verdict.error if whole else verdict.error.partition(":")[0]
    return told


def _answer(request: HttpRequest, document: dict[str, Any], status: int) -> HttpResponse:
    if request.method not in ("GET", "HEAD"):
        response: HttpResponse = HttpResponseNotAllowed(["GET", "HEAD"])
    else:
        response = HttpResponse(orjson.dumps(document), content_type="application/json", status=status)
    response.headers["Cache-Control"] = "no-store"
    return response
