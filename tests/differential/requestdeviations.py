"""Deviations of the spans of requests."""

from __future__ import annotations

from tests.differential.deviation import listed, raised
from tests.differential.spans import Seen


def _of_requests(spans: list[Seen]) -> list[Seen]:
    return [span for span in spans if "django" in span.scope]


@listed
def unmatched(row: str, spans: list[Seen]) -> None:
    """A request without a route is named `GET unmatched`, as in logs and metrics; upstream has `GET`."""
    for span in _of_requests(spans):
        if "http.route" not in span.attributes and span.name == span.attributes["http.request.method"]:
            span.name += " unmatched"


@listed
def root(row: str, spans: list[Seen]) -> None:
    """The route of the root is `/`; upstream has no route there, for the pattern is empty."""
    if row.endswith("GET /"):
        spans[0].name, spans[0].attributes["http.route"] = "GET /", "/"


@listed
def template(row: str, spans: list[Seen]) -> None:
    """A route of `re_path()` is told as a template, `old/<slug>/`; upstream has the regular expression."""
    for span in _of_requests(spans):
        if span.attributes.get("http.route") == "^old/(?P<slug>[a-z]+)/$":
            span.name, span.attributes["http.route"] = "GET old/<slug>/", "old/<slug>/"


@listed
def masked_path(row: str, spans: list[Seen]) -> None:
    """In `url.path`, a path parameter that is no number is told by its name (see PATH_PARAMETERS)."""
    masked = {"/old/books/": "/old/<slug>/", "/within/deep/a-title/": "/within/deep/<title>/"}
    masked |= dict.fromkeys(("/fail/error/", "/fail/chained/"), "/fail/<how>/")
    for span in _of_requests(spans):
        path = span.attributes.get("url.path")
        span.attributes |= {"url.path": masked[path]} if path in masked else {}


@listed
def masked_query(row: str, spans: list[Seen]) -> None:
    """In `url.query`, values are masked (see QUERY_PARAMETERS), and so is a word without a value."""
    for span in _of_requests(spans):
        if query := span.attributes.get("url.query"):
            pairs = [pair.partition("=") for pair in query.split("&")]
            span.attributes["url.query"] = "&".join(
                f"{name}=[redacted]" if sign else "[redacted]" for name, sign, _ in pairs
            )


@listed
def path_without_raw_uri(row: str, spans: list[Seen]) -> None:
    """Path and query are told also of servers that give neither RAW_URI nor REQUEST_URI."""
    if "no RAW_URI" in row:
        spans[0].attributes |= {"url.path": "/orders/"} | (
            {"url.query": "q=[redacted]"} if "query" in row else {}
        )


@listed
def bad_host(row: str, spans: list[Seen]) -> None:
    """A request whose Host is not in ALLOWED_HOSTS has its span; upstream fails at it, and has none."""
    if row == "server: WSGI bad host":
        spans.append(Seen("GET orders/", "SERVER", "opentelemetry.instrumentation.django", "", "trace 1"))
        spans[0].attributes = {
            "client.address": "127.0.0.1",
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "http.route": "orders/",
            "network.protocol.version": "1.1",
            "server.address": "evil.example",
            "server.port": 8000,
            "url.path": "/orders/",
            "url.scheme": "http",
        }


@listed
def method_with_spaces(row: str, spans: list[Seen]) -> None:
    """A method is looked up without spaces around it; upstream calls ` GET ` both `GET` and `_OTHER`."""
    if "' GET '" in row:
        spans[0].attributes["http.request.method"] = spans[0].attributes.pop("http.request.method_original")


@listed
def address_of_asgi(row: str, spans: list[Seen]) -> None:
    """Under ASGI, `server.address` is the Host asked for, as under WSGI; upstream has `address:port`."""
    for span in _of_requests(spans):
        if "ASGI" in row:
            span.attributes["server.address"] = "testserver"


@listed
def forwarded(row: str, spans: list[Seen]) -> None:
    """`client.address` is the client's also behind a proxy of TRUSTED_PEERS; upstream has the proxy's."""
    if row == "server: WSGI forwarded":
        spans[0].attributes["client.address"] = "203.0.113.7"


@listed
def foreign_state(row: str, spans: list[Seen]) -> None:
    """A caller's `tracestate` is kept only where OTEL_PROPAGATORS asks for it (ADR 15)."""
    for span in spans:
        span.trace_state = ""


@listed
def strangers(row: str, spans: list[Seen]) -> None:
    """The trace of a peer not in TRUSTED_PEERS is linked to; upstream goes on with anybody's."""
    if row.endswith("trace of a stranger"):
        spans[0].links = [(spans[0].parent, {})]
        spans[0].parent, spans[0].trace = "", "trace 1"


@listed
def answered_failures(row: str, spans: list[Seen]) -> None:
    """An exception that Django answers with 4xx is no error of the server, as the conventions have it."""
    for span in _of_requests(spans):
        if 400 <= span.attributes["http.response.status_code"] < 500:
            span.status, span.events = ("UNSET", ""), []


@listed
def not_escaped(row: str, spans: list[Seen]) -> None:
    """The exception of a request is told without `exception.escaped`, which the conventions deprecate."""
    for span in _of_requests(spans):
        if span.status[0] == "ERROR":
            for _, attributes in span.events:
                attributes.pop("exception.escaped", None)


@listed
def failed_middleware(row: str, spans: list[Seen]) -> None:
    """An exception in another middleware is told, and no route: upstream looks one up."""
    if row.endswith("/orders/99/"):
        spans[0].name = "GET unmatched"
        spans[0].status = ("ERROR", "LookupError: no such middleware")
        spans[0].events = [raised("LookupError", "no such middleware")]


@listed
def broken_stream(row: str, spans: list[Seen]) -> None:
    """The span lasts until the last byte: a stream that breaks is an error, though the status said 200."""
    if row.endswith("/broken/"):
        spans[0].status = ("ERROR", "LookupError: the rest is gone")
        spans[0].events = [raised("LookupError", "the rest is gone")]
        spans[0].attributes["error.type"] = "LookupError"


@listed
def persons(row: str, spans: list[Seen]) -> None:
    """By default of a client only its network is told (CLIENT_IP, USER_AGENT)."""
    if row == "server: WSGI by our defaults":
        spans[0].attributes["client.address"] = "10.1.2.0"
        del spans[0].attributes["client.port"], spans[0].attributes["user_agent.original"]
