"""The page that lists the fields of log lines, by the kind of line."""

from __future__ import annotations

from collections.abc import Mapping

from django_observe.vocabulary import Event, Field
from docs.pages.table import code, page, table

Rows = Mapping[tuple[str, ...], str]
"""What fields that are told together mean."""

EVERY: Rows = {
    (Field.TIMESTAMP,): "UTC, RFC 3339, microseconds",
    (Field.LEVEL,): "`DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`",
    (Field.LOGGER,): "name of the logger",
    (Field.MESSAGE,): "the text",
    (Field.SERVICE,): "`OTEL_SERVICE_NAME`, else `SERVICE_NAME`, else the settings module's root package",
    (Field.ENVIRONMENT,): "deployment environment, such as `production`",
    (Field.VERSION,): "version of the service",
    (Field.CORRELATION_ID,): "ID of the request, task or `correlated()` block",
    (Field.TRACE_ID, Field.SPAN_ID): "of the span that was current; null while tracing is off",
    (Field.CLIENT_CORRELATION_ID,): "the ID an untrusted caller sent; it is noted, not continued",
    (Field.EVENT,): "what the line tells the end of, as below; lines of your own have none",
}
REQUEST: Rows = {
    (Field.METHOD, Field.PATH, Field.STATUS): "of the request; the path without its query string, and with "
    "[names in place of values](../how-to/privacy.md) that are neither numbers (of 1 to 18 digits) nor "
    "UUIDs; where no route matched, plain words stand too",
    (Field.ROUTE,): "the URL pattern, one of `re_path()` and REST framework's routers as a template "
    "(`api/orders/<pk>/`) where anchors and named groups are all it has; `unmatched` when there is none",
    (
        Field.DURATION_MS,
    ): "from our middleware until the last byte of the body, streams included; the server's "
    "own work and the wait for it are not in it. The span has a clock of its own, and ends when this line is "
    "written: the two differ by a fraction of a millisecond",
    (Field.QUEUE_MS,): "waiting time before Django, when a trusted proxy sent `X-Request-Start`",
    (Field.DB_COUNT, Field.DB_MS): "database statements and their time",
    (Field.DB_REPEAT,): "how often the most repeated statement ran: a high number is an N+1",
    (Field.HTTP_COUNT, Field.HTTP_MS): "outbound calls and their time",
    (Field.USER_ID,): "the user, if the view looked one up anyway and `USER_ID` is `id` (primary key) or "
    "`hash`",
    (Field.CLIENT_IP,): "network of the client (the first address of its /24, IPv6 /48; loopback whole), "
    "through trusted proxies; all of it with `CLIENT_IP` `address`",
    (Field.BYTES_OUT,): "size of the body",
}
TASK: Rows = {
    (Field.TASK, Field.TASK_ID, Field.QUEUE): "which",
    (Field.STATE,): "`SUCCESS`, `FAILURE`, `RETRY`, `IGNORED`, `REJECTED`, `REVOKED`",
    (Field.ATTEMPT,): "1 for the first run; absent where there was none (revoked, expired, not registered)",
    (Field.DURATION_MS,): "of this run",
    (Field.QUEUE_WAIT_MS,): "between publish, or ETA, and run",
    (Field.CLOCK_SKEW_MS,): "how far in the future the publish lay: the publisher's clock is ahead, and a "
    "wait of 0 is no truth",
    (Field.SCHEDULE,): "the entry of beat's schedule that asked for the run",
    (Field.REDELIVERED,): "true when the broker has handed the task out before",
}
WEBSOCKET: Rows = {
    (Field.CONSUMER,): "the consumer's class",
    (Field.PATH, Field.ROUTE): "of the handshake; no `route` where no `URLRouter` chose the consumer",
    (Field.STATUS,): "of the handshake: 101 accepted, 403 denied, 499 the client left before there was an "
    "answer, 500",
    (Field.CLOSE_CODE,): "of whoever closed first (RFC 6455); absent where nobody did, as after an exception",
    (Field.MESSAGES_RECEIVED, Field.MESSAGES_SENT): "how many",
    (Field.DURATION_MS,): "from the handshake to the end",
}
CHANNEL: Rows = {
    (Field.CONSUMER, Field.CHANNEL, Field.MESSAGE_TYPE): "which",
    (Field.DURATION_MS,): "of the handling",
}
FAILURE: Rows = {
    (Field.ERROR_TYPE,): "the exception's class",
    (Field.ERROR_MESSAGE,): "its text",
    (Field.STACK,): "its traceback",
}


def log_fields() -> str:
    """Every field of the vocabulary; ValueError where one has no meaning here."""
    told = {
        name
        for rows in (EVERY, REQUEST, TASK, WEBSOCKET, CHANNEL, FAILURE)
        for names in rows
        for name in names
    }
    if silent := {value for name, value in vars(Field).items() if name.isupper()} - told:
        raise ValueError(f"docs/pages/logfields.py does not say what these mean: {sorted(silent)}")
    return page(
        "Log fields",
        "Each line on stdout is one JSON object. Fields are flat and stable: renaming one is a breaking "
        "change. A field that does not apply is absent, but for the first ten, which every line has.",
        _fields(EVERY),
        f"The request line (`event` is `{Event.REQUEST}`; `{Event.REQUEST_ABORTED}` when its client went "
        "away, or its worker was ended):",
        _fields(REQUEST),
        f"The task line (`event` is `{Event.TASK}`) has the database and outbound fields as well:",
        _fields(TASK),
        f"The line of a WebSocket that a Channels consumer served (`event` is `{Event.WEBSOCKET}`; "
        f"`{Event.WEBSOCKET_ABORTED}` when its client left before there was an answer, or when it ended "
        "without a close of either side and without an exception, as where its server stopped), at its end, "
        f"has the database and outbound fields, {code([Field.USER_ID])} and {code([Field.CLIENT_IP])} as "
        "well, and after an exception, be it the consumer's or its channel layer's, the level ERROR and the "
        "error's fields:",
        _fields(WEBSOCKET),
        f"A Channels worker's line (`event` is `{Event.CHANNEL}`), one for each message, has the database "
        "and outbound fields and:",
        _fields(CHANNEL),
        "A failure, on any of these lines and on `logger.exception()` of yours, adds, with secrets masked "
        "and sizes capped:",
        _fields(FAILURE),
        "Fields that a project gives with `extra=` keep their names; one that collides with a field above "
        "gets the prefix `extra_`.",
    )


def _fields(rows: Rows) -> str:
    return table(("Field", "Meaning"), [(code(names), meaning) for names, meaning in rows.items()])
