"""The page that lists the headers."""

from __future__ import annotations

from django_observe.vocabulary import Header
from docs.pages.table import code, page, table

MEANINGS = {
    Header.CORRELATION_ID: "in, out: the correlation ID. Taken over from `TRUSTED_PEERS`; on each response, "
    "on calls to hosts of `PROPAGATE_TO`, on tasks and messages. `CORRELATION_HEADER` gives it another name",
    Header.REQUEST_ID: "in: read where there is no correlation ID. `CORRELATION_HEADERS` lists the names "
    "that are read, in order",
    Header.TRACEPARENT: "in, out: W3C Trace Context. Continued from `TRUSTED_PEERS`, of others a link; out "
    "as the correlation ID",
    Header.TRACESTATE: "neither: read and sent only where `OTEL_PROPAGATORS` asks for `tracecontext`; "
    "`baggage` likewise, where it asks for that",
    Header.REQUEST_START: "in: when a trusted proxy took the request, for `queue_ms`",
    Header.FORWARDED_FOR: "in: from a trusted peer, the client's address, where `CLIENT_IP` has it recorded",
    Header.TASK_PUBLISHED_AT: "task: when it was published, in seconds since 1970, for `queue_wait_ms`",
    Header.TASK_SCHEDULE: "task: the entry of the schedule by which Celery beat published it",
}
FORWARDING = (
    "in: what proxies add. A request that has one of these is not from the peer itself: no `/metrics`"
)


def headers() -> str:
    """Every header of the vocabulary; KeyError where one has no meaning here."""
    names = [value for name, value in vars(Header).items() if name.isupper() and isinstance(value, str)]
    others = {Header.FORWARDED, Header.REAL_IP}
    rows = [(f"`{name}`", *MEANINGS[name].split(": ", 1)) for name in names if name not in others]
    added = code(name for name in Header.FORWARDING if name != Header.FORWARDED_FOR)
    rows.append((added, *FORWARDING.split(": ", 1)))
    return page(
        "Headers",
        "What is read from requests and messages (*in*), and what is written on responses and on what the "
        "service sends (*out*). An ID is 8 to 128 of the characters `A-Z a-z 0-9 . _ -`; anything else is "
        "replaced by a new one.",
        table(("Header", "Way", "Meaning"), rows),
    )
