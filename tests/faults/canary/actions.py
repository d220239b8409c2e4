"""What code does with secrets: in the web's views, in tasks and in the command, under either outcome."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, connection
from opentelemetry import trace

from tests.faults.canary.breaking import survived
from tests.faults.canary.calls import CALLS
from tests.faults.canary.values import own, witness

logger = logging.getLogger("canary")
Action = Callable[[str, bool], Any]


class TroubleError(Exception):
    """How a request, a task or a command fails that an action itself has not broken."""


def act(place: str, outcome: str) -> None:
    """Does what code of that place does with its secret; under the outcome error it breaks.

    Raises:
        Exception: whatever breaks there, else TroubleError.
    """
    value = own(place, outcome)
    witness(place, outcome, value)
    ACTIONS[place](value, outcome == "error")
    if outcome == "error":
        raise TroubleError(place)


def tell_configuration(outcome: str) -> None:
    """Tells environment and settings, as a whole and in the words of a driver that cannot log in.

    Raises:
        ConnectionError: under the outcome error.
    """
    values = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    logger.info("environment %s", dict(os.environ))
    logger.info("environment %r", os.environ)
    logger.info("settings %r", values, extra={"settings": values, "environment": dict(os.environ)})
    secrets = {place: own(place) for place in CONFIGURED}
    told = f"{os.environ['PAYMENT_API_KEY']} {values}"
    for place, value in secrets.items():
        if value in told:
            witness(place, "any", value)
        logger.warning("cannot log in as shop with %s", value)
    if outcome == "error":
        raise ConnectionError(f"cannot log in with any of {', '.join(secrets.values())}")


CONFIGURED = (
    "environment",
    "settings: SECRET_KEY",
    "settings: EMAIL_HOST_PASSWORD",
    "settings: DATABASES",
    "settings: CACHES",
    "settings: METRICS_TOKEN",
    "settings: a dict of the project's own",
)


def _exception(value: str, fails: bool) -> None:
    with survived(unless=fails):
        raise ValueError(f"password={value}", f"then Bearer {value}", {"api_key": value})


def _log_message(value: str, _: bool) -> None:
    logger.info("logging in with password=%s", value)
    logger.debug("Authorization: Bearer %s", value)
    logger.warning(f"token: {value} for {{'password': '{value}'}}")  # noqa: G004 - as people do
    logger.info("DSN postgres://shop:%s@db/shop and curl -H 'X-Api-Key: %s'", value, value)


def _log_extra(value: str, _: bool) -> None:
    logger.info("with an extra", extra={"api_key": value, "Authorization": f"Bearer {value}"})
    logger.info({"message": "a dict", "client_secret": value})


def _nested(value: str, _: bool) -> None:
    payload = {"user": [{"name": "x", "password": value}], "cards": {"token": {"value": value}}}
    pairs = [("password", value), {"name": "token", "value": value}]
    logger.info("with an extra", extra={"payload": payload, "pairs": pairs})
    logger.info("payload %s", json.dumps(payload))
    logger.info("payload %r", payload)


def _span(value: str, _: bool) -> None:
    span = trace.get_current_span()
    span.set_attribute("password", value)
    span.set_attribute("note", f"password={value} and Bearer {value}")
    span.add_event("noted", {"api_key": value, "detail": f"secret: {value}"})
    span.set_status(trace.Status(trace.StatusCode.ERROR, f"token={value}"))


def _sql_parameter(value: str, fails: bool) -> None:
    from django.contrib.auth.models import User

    User.objects.filter(username=value, email__in=[f"{value}@example.com"]).count()
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s AS note", [value])
        cursor.executemany("UPDATE auth_user SET email = %s WHERE username = %s", [(value, value)])
        if fails:
            cursor.execute("SELECT * FROM nowhere WHERE note = %s", [value])


def _sql_literal(value: str, fails: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT '{value}' AS note, 1 AS one")
        with survived(unless=fails):
            cursor.execute(f"SELECT * FROM nowhere WHERE note = '{value}' AND pin IN ('{value}')")  # noqa: S608


def _database_detail(value: str, fails: bool) -> None:
    """What PostgreSQL says of a value that is there already."""
    with survived(unless=fails):
        raise IntegrityError(
            'duplicate key value violates unique constraint "auth_user_email_key"\n'
            f"DETAIL:  Key (email)=({value}@example.com) already exists.\n"
        )


def _person(value: str, _: bool) -> None:
    from django.contrib.auth.models import User

    user, _created = User.objects.get_or_create(username=value, email=f"{value}@example.com")
    logger.info("of %r", type(user), extra={"customer": user, "customers": User.objects.all()})


def _cache_key(value: str, fails: bool) -> None:
    cache.set(f"basket:{value}", value, 60)
    cache.get_many([f"basket:{value}", value])
    if fails:
        cache.incr(f"visits:{value}")  # a ValueError that names the key


ACTIONS: dict[str, Action] = {
    "exception args: view, task, command": _exception,
    "log message": _log_message,
    "log extra": _log_extra,
    "nested JSON": _nested,
    "span attribute, event and status": _span,
    "SQL parameter": _sql_parameter,
    "SQL literal": _sql_literal,
    "e-mail address in a database's error": _database_detail,
    "username and e-mail address": _person,
    "cache key and value": _cache_key,
    **CALLS,
}
