"""Views that get canaries from requests, and give some back."""

from __future__ import annotations

import json
import logging
import os
from base64 import b64decode
from collections.abc import Callable, Iterator

from django.contrib import auth
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse

from tests.faults.canary import actions, tasks
from tests.faults.canary.breaking import refuse, survived
from tests.faults.canary.values import own, slug, witness

logger = logging.getLogger("canary")

CARRIED: dict[str, Callable[[HttpRequest], str]] = {
    "query": lambda request: request.GET["page"],
    "query, logged": lambda request: _logged(request, request.GET)["token"],
    "header": lambda request: request.headers["X-Shop"],
    "header: Authorization, Bearer": lambda request: request.headers["Authorization"].split()[1],
    "header: Authorization, Basic": lambda request: (
        b64decode(request.headers["Authorization"].split()[1]).decode().partition(":")[2]
    ),
    "header: User-Agent": lambda request: request.headers["User-Agent"].split("/")[1],
    "header: Referer": lambda request: request.headers["Referer"].partition("=")[2],
    "header: X-Forwarded-For": lambda request: request.headers["X-Forwarded-For"],
    "header: correlation ID, too odd to be one": lambda request: request.headers["X-Correlation-ID"][1:-1],
    "cookie": lambda request: request.COOKIES["sessionid"],
    "body": lambda request: str(json.loads(request.body)["note"]),
    "body, logged": lambda request: str(_logged(request, json.loads(request.body))["password"]),
    "form": lambda request: request.POST["note"],
    "form, logged": lambda request: _logged(request, request.POST)["password"],
    "form: multipart": lambda request: request.POST["note"],
    "form: name of a file": lambda request: str(request.FILES["file"]).split(".")[0],
    "request.META in an extra": lambda request: _with_meta(request).META["HTTP_AUTHORIZATION"].split()[1],
}
"""Where a request has its canary, by the names of the places."""


def carry(request: HttpRequest, outcome: str, place: str) -> HttpResponse:
    """Reads it there."""
    place = PLACES[place]
    witness(place, outcome, CARRIED[place](request))
    logger.info("handling %s, %r", request, request, extra={"of": request})
    return _end(outcome, place)


def segment(request: HttpRequest, outcome: str, segment: str) -> HttpResponse:
    """Its path is the secret, as that of a link by mail is."""
    witness("path segment: matched", outcome, segment)
    logger.info("handling %s", request)
    return _end(outcome, "segment")


def unnamed(request: HttpRequest, outcome: str, secret: str) -> HttpResponse:
    """The same behind a regular expression without names."""
    witness("path segment: unnamed group", outcome, secret)
    return _end(outcome, "unnamed")


def act(request: HttpRequest, outcome: str, place: str) -> HttpResponse:
    """Does the action of that place."""
    actions.act(ACTED[place], outcome)
    return done(request)


def configuration(request: HttpRequest, outcome: str) -> HttpResponse:
    """Tells environment and settings."""
    actions.tell_configuration(outcome)
    return done(request)


def stream(request: HttpRequest, outcome: str) -> StreamingHttpResponse:
    """Breaks after the first part."""
    return StreamingHttpResponse(_parts(outcome))


def _parts(outcome: str) -> Iterator[bytes]:
    value = own("exception args: streaming body", outcome)
    witness("exception args: streaming body", outcome, value)
    yield value.encode()
    with survived(unless=outcome == "error"):
        refuse(value)


def redirect(request: HttpRequest, outcome: str) -> HttpResponse:
    """Goes on with a secret in the URL, as single sign-on does."""
    value = own("response: Location", outcome)
    witness("response: Location", outcome, value)
    response = HttpResponseRedirect(f"/{value}/?code={value}#{value}")
    return response if outcome == "success" else _end(outcome, response["Location"][:1])


def cookie(request: HttpRequest, outcome: str) -> HttpResponse:
    """Sets a cookie and a header, also on an answer that says 500."""
    value = own("response: cookie and body", outcome)
    witness("response: cookie and body", outcome, value)
    response = HttpResponse(value, status=500 if outcome == "error" else 200)
    response.set_cookie("basket", value)
    response["X-Shop"] = value
    return response


def login(request: HttpRequest, outcome: str) -> HttpResponse:
    """Logs a person in, after an attempt with a wrong password."""
    value = own("user who is logged in", outcome)
    auth.authenticate(request, username=value, password=value)
    user, _ = User.objects.get_or_create(username=value, email=f"{value}@example.com")
    auth.login(request, user)
    witness("user who is logged in", outcome, str(request.user))
    return _end(outcome, "login")


def publish(request: HttpRequest, outcome: str) -> HttpResponse:
    """Has the worker do everything."""
    program = os.environ["CANARY_PROGRAM"]
    args = (outcome, own("Celery args", outcome))
    kwargs = {"program": program, "card": own("Celery kwargs", outcome)}
    tasks.given.apply_async(args, kwargs)
    unknown = own("Celery args: of a task no worker knows", outcome)
    witness("Celery args: of a task no worker knows", outcome, unknown)
    tasks.given.app.send_task("nobody.knows", [unknown], {"card": unknown})
    tasks.trying.delay(outcome)
    tasks.configuration.delay(outcome)
    for place in actions.ACTIONS:
        tasks.act.delay(place, outcome)
    return done(request)


def done(request: HttpRequest, outcome: str = "") -> HttpResponse:
    """Answers."""
    return HttpResponse("done", content_type="text/plain")


def _end(outcome: str, place: str) -> HttpResponse:
    if outcome == "error":
        raise actions.TroubleError(place)
    return HttpResponse("done", content_type="text/plain")


def _logged(request: HttpRequest, values: dict[str, str]) -> dict[str, str]:
    logger.info("got %s", values, extra={"values": values})
    logger.info("got %r", dict(values))
    return values


def _with_meta(request: HttpRequest) -> HttpRequest:
    logger.info("got this", extra={"meta": request.META})
    logger.info("got %s", {name: value for name, value in request.META.items() if name.isupper()})
    return request


PLACES = {slug(place): place for place in CARRIED}
ACTED = {slug(place): place for place in actions.ACTIONS}
