"""Channels consumers: one ID and one trace for all a connection brings, told once, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from inspect import iscoroutinefunction, signature
from types import SimpleNamespace
from typing import Any, ClassVar, NoReturn
from unittest.mock import AsyncMock

import channels.consumer
import channels.routing
import pytest
from channels.consumer import AsyncConsumer, SyncConsumer
from channels.exceptions import DenyConnection, StopConsumer
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels.routing import ChannelNameRouter, URLRouter
from channels.testing import ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator
from channels.worker import Worker
from django.db import connection
from django.test import override_settings
from django.urls import path, re_path
from opentelemetry.context import get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY

from django_observe import (
    activerequests,
    consumers,
    continued,
    correlated,
    correlation_id,
    handshake,
    openwebsockets,
    outgoing,
    reporting,
    tally,
    websocket,
)
from django_observe.metricset import HTTP_ACTIVE_REQUESTS
from django_observe.records import ChannelMessage, Exchange, Record, WebSocket, WebSocketHandshake
from django_observe.testing import Captured, captured

LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
GIVEN = "order-4711.retry_2"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = [
    (b"x-correlation-id", GIVEN.encode()),
    (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()),
]
NOTHING = [(None, None, False, "", True)]
"""What one connection may leave."""

Application = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.django_db(transaction=True)  # Channels looks after connections around each message


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every test ends as it began, and the guard has caught nothing."""
    failures = reporting.failures()
    with override_settings(CHANNEL_LAYERS=LAYERS):
        yield
    assert correlation_id() is None
    assert tally.current() is None
    assert reporting.failures() == failures


class Tells:
    """Keeps what could be read in each handler."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str | None]] = []
        self.left: list[Any] = []

    def __call__(self, place: str) -> None:
        self.seen.append((place, correlation_id()))

    def watch(self, application: Application) -> Application:
        """`application`, and afterwards a look at what is still bound in its task."""

        async def watched(scope: Any, receive: Any, send: Any) -> None:
            before = get_current()
            try:
                await application(scope, receive, send)
            finally:
                bound = (correlation_id(), tally.current(), consumers._observed.get())
                self.left.append((*bound, consumers._route.get(), get_current() == before))

        return watched

    @property
    def ids(self) -> set[str | None]:
        return {identifier for _, identifier in self.seen}


@pytest.fixture
def tells() -> Tells:
    return Tells()


class Async(AsyncWebsocketConsumer):  # type: ignore[misc]
    tells: Tells

    async def connect(self) -> None:
        self.tells("connect")
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.tells("receive")
        if text_data == '"boom"':
            raise ValueError("no such luck")
        await self.send(text_data=text_data)

    async def disconnect(self, code: int) -> None:
        self.tells("disconnect")


class Sync(WebsocketConsumer):  # type: ignore[misc]
    tells: Tells

    def connect(self) -> None:
        self.tells("connect")
        self.accept()

    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.tells("receive")
        if text_data == '"boom"':
            raise ValueError("no such luck")
        self.send(text_data=text_data)

    def disconnect(self, code: int) -> None:
        self.tells("disconnect")


class AsyncJson(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    tells: Tells

    async def connect(self) -> None:
        self.tells("connect")
        await self.accept()

    async def receive_json(self, content: Any, **_: Any) -> None:
        self.tells("receive")
        await self.send_json(content)

    async def disconnect(self, code: int) -> None:
        self.tells("disconnect")


class Json(JsonWebsocketConsumer):  # type: ignore[misc]
    tells: Tells

    def connect(self) -> None:
        self.tells("connect")
        self.accept()

    def receive_json(self, content: Any, **_: Any) -> None:
        self.tells("receive")
        self.send_json(content)

    def disconnect(self, code: int) -> None:
        self.tells("disconnect")


def made(kind: type[AsyncConsumer], **attributes: Any) -> Any:
    """A class of that kind and name, with attributes of a test's own."""
    return type(kind.__name__, (kind,), {**attributes, "__module__": __name__})


def application(kind: type[AsyncConsumer], tells: Tells) -> Application:
    """A consumer of that class below a route, which writes down what it sees."""
    return tells.watch(URLRouter([path("ws/<slug:room>/", made(kind, tells=tells).as_asgi())]))


def talk(
    served: Application,
    *sent: str,
    headers: list[tuple[bytes, bytes]] | None = None,
    client: tuple[str, int] | None = None,
    code: int = 1000,
    version: str | None = None,
) -> WebsocketCommunicator:
    """One connection: connect, each text and its answer, disconnect."""

    async def run() -> WebsocketCommunicator:
        spoken = WebsocketCommunicator(served, "/ws/lobby/", headers=HEADERS if headers is None else headers)
        if client is not None:
            spoken.scope["client"] = client
        if version is not None:
            spoken.scope["asgi"] = {"version": "3.0", "spec_version": version}
        await spoken.connect()
        for text in sent:
            await spoken.send_to(text_data=text)
            assert await spoken.receive_from() == text
        await spoken.disconnect(code)
        return spoken

    return asyncio.run(run())


def sockets(telemetry: Captured) -> list[WebSocket]:
    return [record for record in telemetry.records if isinstance(record, WebSocket)]


def only(telemetry: Captured) -> WebSocket:
    (socket,) = sockets(telemetry)
    return socket


@pytest.mark.parametrize("kind", [Async, Sync, AsyncJson, Json])
def test_a_connection_has_one_id_and_one_trace(kind: type[AsyncConsumer], tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(kind, tells), '"a"', '"b"')
    places = ["connect", "receive", "receive", "disconnect"]
    assert tells.seen == [(place, GIVEN) for place in places]
    assert tells.left == NOTHING
    first = next(span for span in telemetry.spans if span.name == "GET ws/<slug:room>/")
    assert first.parent is not None
    assert (f"{first.context.trace_id:032x}", f"{first.parent.span_id:016x}") == (TRACE, PARENT)
    messages = [span for span in telemetry.spans if span.name.startswith("websocket.")]
    assert [span.name for span in messages] == [f"websocket.{place} ws/<slug:room>/" for place in places]
    assert {span.parent.span_id for span in messages if span.parent} == {first.context.span_id}
    assert {(span.attributes or {})["correlation_id"] for span in telemetry.spans} == {GIVEN}


def test_the_line_says_what_the_connection_was(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Async, tells), "a", "b", client=("10.1.2.3", 4000), code=1001)
    [line] = [line for line in telemetry.lines if line.get("event") == "websocket"]
    handshakes = [span for span in telemetry.spans if span.name.startswith("GET")]
    assert {name: line[name] for name in line.keys() - {"timestamp", "duration_ms", "message"}} == {
        "level": "INFO",
        "logger": "django_observe.consumer",
        "service": "tests",
        "environment": "production",
        "version": "",
        "correlation_id": GIVEN,
        "trace_id": TRACE,
        "span_id": f"{handshakes[0].context.span_id:016x}",
        "event": "websocket",
        "consumer": f"{__name__}.Async",
        "route": "ws/<slug:room>/",
        "path": "/ws/<room>/",
        "status": 101,
        "close_code": 1001,
        "messages_received": 2,
        "messages_sent": 2,
        "client_ip": "10.1.2.0",
        "db_count": 0,
        "db_ms": 0.0,
        "http_count": 0,
        "http_ms": 0.0,
    }
    assert line["duration_ms"] > 0


def test_spans_follow_the_conventions(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Async, tells), client=("10.1.2.3", 4000))
    span = next(span for span in telemetry.spans if span.name.startswith("websocket.connect"))
    assert span.kind is SpanKind.SERVER
    assert dict(span.attributes or {}) == {
        "network.protocol.name": "websocket",
        "url.path": "/ws/<room>/",
        "client.address": "10.1.2.0",
        "asgi.event.type": "websocket.connect",
        "channels.consumer": f"{__name__}.Async",
        "correlation_id": GIVEN,
    }
    first = next(span for span in telemetry.spans if span.name.startswith("GET"))
    assert (first.attributes or {})["http.response.status_code"] == 101
    assert (first.attributes or {})["http.route"] == "ws/<slug:room>/"


def test_a_stranger_is_not_continued(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Async, tells), "a", client=("203.0.113.9", 4000))
    socket = only(telemetry)
    assert socket.trace is not None
    assert socket.correlation_id == socket.trace.trace_id != TRACE
    assert socket.client_correlation_id == GIVEN
    assert tells.ids == {socket.correlation_id}
    first = next(span for span in telemetry.spans if span.name.startswith("GET"))
    assert first.parent is None
    assert [f"{link.context.trace_id:032x}" for link in first.links] == [TRACE]
    assert {span.context.trace_id for span in telemetry.spans} == {first.context.trace_id}
    assert (first.attributes or {})["client_correlation_id"] == GIVEN


def test_without_a_caller_the_id_is_the_traces(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Sync, tells), "a", headers=[])
    assert tells.ids == {only(telemetry).correlation_id}
    assert {f"{span.context.trace_id:032x}" for span in telemetry.spans} == tells.ids


def test_without_tracing_the_id_is_there_all_the_same(tells: Tells) -> None:
    talk(application(Async, tells), "a")
    assert tells.ids == {GIVEN}
    assert tells.left == NOTHING


told: list[Record] = []


def tell(record: Record) -> None:
    told.append(record)


@override_settings(DJANGO_OBSERVE={"TRACES": f"{__name__}.tell"})
def test_a_trace_reporter_of_the_projects_own_is_told_of_the_handshake(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Async, tells), "a")
    [opened] = [record.exchange for record in told if isinstance(record, WebSocketHandshake)]
    assert (opened.correlation_id, opened.route, opened.status) == (GIVEN, "ws/<slug:room>/", 101)
    first = next(span for span in telemetry.spans if span.name.startswith("GET"))
    assert opened.trace is not None
    assert opened.trace.span_id == f"{first.context.span_id:016x}"
    assert "http.response.status_code" not in (
        first.attributes or {}
    )  # left to that reporter, as of requests


@override_settings(DJANGO_OBSERVE={"CHANNELS": False})
def test_a_project_can_switch_it_off(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Async, tells), "a")
    assert tells.ids == {None}
    assert (sockets(telemetry), telemetry.spans) == ([], [])


def test_where_it_is_switched_off_channels_is_left_alone() -> None:
    program = (
        "import django; from django.conf import settings;"
        "settings.DJANGO_OBSERVE = {**getattr(settings, 'DJANGO_OBSERVE', {}), 'CHANNELS': False};"
        "django.setup();"
        "from channels.consumer import AsyncConsumer; from channels.routing import URLRouter;"
        "print([hasattr(each.__call__, '__wrapped__') for each in (AsyncConsumer, URLRouter)])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[False, False]"


def test_the_spans_alone_can_be_switched_off(tells: Tells, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "redis,channels")
    with captured() as telemetry:
        talk(application(Async, tells), "a")
    assert telemetry.spans == []
    assert (only(telemetry).correlation_id, only(telemetry).trace) == (GIVEN, None)
    assert tells.ids == {GIVEN}


class Grouped(Async):
    groups = ("news",)

    async def news_flash(self, message: dict[str, Any]) -> None:
        self.tells("flash")
        await self.send(text_data=message["text"])


def test_a_message_to_a_group_is_handled_under_each_connections_own_id(tells: Tells) -> None:
    async def run() -> None:
        served = application(Grouped, tells)
        ids = [b"first-connection", b"second-connection"]
        spoken = [
            WebsocketCommunicator(served, "/ws/a/", headers=[(b"x-correlation-id", given)]) for given in ids
        ]
        for each in spoken:
            await each.connect()
        await get_channel_layer().group_send("news", {"type": "news.flash", "text": "now"})
        assert [await each.receive_from() for each in spoken] == ["now", "now"]
        for each in spoken:
            await each.disconnect()

    with captured() as telemetry:
        asyncio.run(run())
    flashes = [identifier for place, identifier in tells.seen if place == "flash"]
    assert sorted(map(str, flashes)) == ["first-connection", "second-connection"]
    spans = [span for span in telemetry.spans if span.name.startswith("news.flash")]
    assert [span.kind for span in spans] == [SpanKind.CONSUMER] * 2
    assert len({span.context.trace_id for span in spans}) == 2


@pytest.mark.parametrize("kind", [Async, Sync])
def test_a_handlers_exception_passes_and_is_told(kind: type[AsyncConsumer], tells: Tells) -> None:
    with captured() as telemetry, pytest.raises(ValueError, match="no such luck") as raised:
        talk(application(kind, tells), '"boom"')
    assert raised.traceback[-1].name == "receive"
    socket = only(telemetry)
    assert socket.failure is not None
    assert (socket.failure.type, socket.failure.message) == ("ValueError", "no such luck")
    [line] = [line for line in telemetry.lines if line.get("event") == "websocket"]
    assert (line["level"], line["error_type"]) == ("ERROR", "ValueError")
    failed = [span for span in telemetry.spans if span.status.status_code is StatusCode.ERROR]
    assert [span.name for span in failed] == ["websocket.receive ws/<slug:room>/"]
    assert (failed[0].attributes or {})["error.type"] == "ValueError"
    assert tells.left == NOTHING


class Falling(InMemoryChannelLayer):  # type: ignore[misc]
    async def receive(self, channel: str) -> Any:
        raise ConnectionError("no broker")


@override_settings(CHANNEL_LAYERS={"default": {"BACKEND": f"{__name__}.Falling"}})
def test_a_layers_exception_ends_a_connection_with_an_error_and_aborts_none(tells: Tells) -> None:
    with captured() as telemetry, pytest.raises(ConnectionError, match="no broker"):
        talk(application(Async, tells))
    [line] = [line for line in telemetry.lines if line.get("consumer")]
    assert (line["event"], line["level"], line["error_type"]) == ("websocket", "ERROR", "ConnectionError")
    assert "close_code" not in line
    assert tells.left == NOTHING


class Denying(Async):
    async def connect(self) -> None:
        raise DenyConnection


class Broken(Async):
    async def connect(self) -> None:
        raise LookupError("no room")


def test_a_denied_handshake_is_no_failure(tells: Tells) -> None:
    async def run() -> None:
        spoken = WebsocketCommunicator(application(Denying, tells), "/ws/a/")
        assert await spoken.connect() == (False, 1000)
        await spoken.disconnect(1006)

    with captured() as telemetry:
        asyncio.run(run())
    socket = only(telemetry)
    assert (socket.status, socket.close_code, socket.failure) == (403, None, None)
    assert {span.status.status_code for span in telemetry.spans} == {StatusCode.UNSET}


def test_a_handshake_that_fails_is_a_500(tells: Tells) -> None:
    with captured() as telemetry, pytest.raises(LookupError):
        talk(application(Broken, tells))
    socket = only(telemetry)
    assert (socket.status, socket.failure and socket.failure.type) == (500, "LookupError")
    first = next(span for span in telemetry.spans if span.name.startswith("GET"))
    assert first.status.status_code is StatusCode.ERROR


def test_a_cancelled_connection_ends_once(tells: Tells) -> None:
    async def run() -> None:
        spoken = WebsocketCommunicator(application(Async, tells), "/ws/a/", headers=HEADERS)
        await spoken.connect()
        spoken.future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await spoken.future

    with captured() as telemetry:
        asyncio.run(run())
    socket = only(telemetry)
    assert (socket.status, socket.close_code, socket.failure) == (101, None, None)
    assert tells.left == NOTHING
    [line] = [line for line in telemetry.lines if line["logger"] == "django_observe.consumer"]
    assert (line["event"], line["level"]) == ("websocket_aborted", "INFO")
    assert line["message"].startswith("websocket /ws/<room>/ aborted ")


class Hesitant(Async):
    async def connect(self) -> None:
        self.tells("connect")


def test_a_client_that_leaves_before_an_answer_aborted_the_handshake(tells: Tells) -> None:
    async def run() -> None:
        spoken = WebsocketCommunicator(application(Hesitant, tells), "/ws/a/")
        await spoken.send_input({"type": "websocket.connect"})
        await spoken.send_input({"type": "websocket.disconnect", "code": 1006})
        await spoken.wait()

    with captured() as telemetry:
        asyncio.run(run())
    assert (only(telemetry).status, only(telemetry).aborted) == (499, True)
    assert [line["event"] for line in telemetry.lines if line.get("consumer")] == ["websocket_aborted"]


def test_messages_of_a_connection_that_is_open_for_long_have_traces_of_their_own(
    tells: Tells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_TRACE_SECONDS", 0.0)
    with captured() as telemetry:
        talk(application(Async, tells), "a", "b")
    first = next(span for span in telemetry.spans if span.name.startswith("GET"))
    messages = [span for span in telemetry.spans if span.name.startswith("websocket.")]
    assert len({span.context.trace_id for span in (first, *messages)}) == len(messages) + 1
    assert [span.parent for span in messages] == [None] * 4
    assert {link.context.span_id for span in messages for link in span.links} == {first.context.span_id}
    assert tells.ids == {(span.attributes or {})["correlation_id"] for span in messages} == {GIVEN}
    assert tells.left == NOTHING


def test_a_connection_that_outlives_its_server_is_told_once(tells: Tells) -> None:
    async def run() -> None:
        spoken = WebsocketCommunicator(application(Async, tells), "/ws/a/", headers=HEADERS)
        await spoken.connect()
        openwebsockets.end_all()  # as at the process's exit
        assert only(telemetry).correlation_id == GIVEN
        await spoken.disconnect()

    with captured() as telemetry:
        asyncio.run(run())
    assert (only(telemetry).status, only(telemetry).close_code) == (101, None)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_tells_nothing_of_its_parents_connections(tells: Tells) -> None:
    async def run() -> int:
        spoken = WebsocketCommunicator(application(Async, tells), "/ws/a/")
        await spoken.connect()
        child = os.fork()
        if child == 0:
            openwebsockets.end_all()
            os._exit(len(sockets(telemetry)))
        await spoken.disconnect()
        return child

    with captured() as telemetry:
        _, status = os.waitpid(asyncio.run(run()), 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(sockets(telemetry)) == 1


class Closing(Async):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)
        await self.close(4001)


def test_the_close_code_is_that_of_who_closed_first(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Closing, tells), "a", code=1006)
    assert only(telemetry).close_code == 4001


@pytest.mark.parametrize(
    ("version", "headers"), [("2.4", [(b"x-correlation-id", GIVEN.encode())]), ("2.0", []), (None, [])]
)
def test_the_handshake_is_answered_with_the_id_where_the_server_takes_headers(
    tells: Tells, version: str | None, headers: list[tuple[bytes, bytes]]
) -> None:
    assert talk(application(Async, tells), version=version).response_headers == headers


class OwnHeader(Async):
    async def connect(self) -> None:
        await self.accept(headers=[(b"X-Correlation-ID", b"mine"), (b"x-more", b"1")])


def test_the_applications_own_header_stays(tells: Tells) -> None:
    spoken = talk(application(OwnHeader, tells), version="2.4")
    assert spoken.response_headers == [(b"X-Correlation-ID", b"mine"), (b"x-more", b"1")]


ASGI: dict[str, Any] = {"asgi": {"version": "3.0"}}
ITEMS = [(b"x-more", b"1"), (b"x-other", b"2")]


@pytest.mark.parametrize(
    "headers",
    [
        iter(ITEMS),
        iter([(b"x-correlation-id", b"mine"), *ITEMS]),
        [*ITEMS, (b"x-text", "3")],
        [(b"content-length", 3)],
        [*ITEMS, (b"alone",)],
        [*ITEMS, 7],
        7,
    ],
    ids=["iterator", "iterator with an ID", "text", "number", "no pair", "no header", "no headers"],
)
def test_headers_that_are_no_pairs_of_bytes_are_passed_on_untouched(headers: Any) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": headers}
    assert handshake.echoed(message, GIVEN, ASGI) is message
    if isinstance(headers, Iterator):
        assert list(headers)[-2:] == ITEMS


@pytest.mark.parametrize("headers", [None, [], (), ITEMS, tuple(ITEMS), [list(pair) for pair in ITEMS]])
def test_to_pairs_of_bytes_the_id_is_added(headers: Any) -> None:
    message = {"type": "http.response.start", "status": 200, "headers": headers}
    answered = handshake.echoed(message, GIVEN, ASGI)
    assert answered["headers"] == [*(headers or ()), (b"x-correlation-id", GIVEN.encode())]
    assert message["headers"] is headers


@override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": None})
def test_no_header_where_none_is_wanted(tells: Tells) -> None:
    assert talk(application(Async, tells), version="2.4").response_headers == []


class Querying(Sync):
    def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        with connection.cursor() as cursor:
            for number in range(2):
                cursor.execute("SELECT %s", [number])
        self.send(text_data=text_data)


def test_queries_count_for_the_message_and_the_connection(tells: Tells) -> None:
    with captured() as telemetry:
        talk(application(Querying, tells), "a", "b")
    assert (only(telemetry).queries.count, only(telemetry).queries.repeat) == (4, 2)
    received = [span for span in telemetry.spans if span.name.startswith("websocket.receive")]
    assert [(span.attributes or {})["django.db.query_count"] for span in received] == [2, 2]


def test_a_user_who_was_looked_up_is_named(tells: Tells) -> None:
    served = application(Async, tells)

    async def authenticated(scope: Any, receive: Any, send: Any) -> None:
        await served({**scope, "user": SimpleNamespace(pk=7)}, receive, send)

    for told, expected in (("none", None), ("id", "7")):
        with override_settings(DJANGO_OBSERVE={"USER_ID": told}), captured() as telemetry:
            talk(authenticated)
        assert only(telemetry).user_id == expected


class Unreachable:
    """A user of a tenant that is gone."""

    @property
    def pk(self) -> NoReturn:
        raise LookupError("no such tenant")


@override_settings(DJANGO_OBSERVE={"USER_ID": "id"})
def test_a_user_that_raises_costs_a_connection_no_line(tells: Tells, monkeypatch: pytest.MonkeyPatch) -> None:
    served = application(Async, tells)

    async def authenticated(scope: Any, receive: Any, send: Any) -> None:
        await served({**scope, "user": Unreachable()}, receive, send)

    with monkeypatch.context() as patched, captured() as telemetry:
        patched.setattr(reporting, "_failures", reporting._failures.copy())
        talk(authenticated)
    assert (only(telemetry).status, only(telemetry).user_id) == (101, None)


def test_routes_of_nested_routers_are_one_and_secrets_in_the_path_are_masked(tells: Tells) -> None:
    consumer = made(Async, tells=tells)
    inner = URLRouter([re_path(r"^(?P<token>\w+)/$", consumer.as_asgi())])
    with captured() as telemetry:
        talk(tells.watch(URLRouter([path("other/", inner), path("ws/", inner)])))
    assert only(telemetry).route == "ws/<token>/"
    [line] = [line for line in telemetry.lines if line.get("event") == "websocket"]
    assert "lobby" not in str(line)
    assert tells.left == NOTHING


def test_a_consumer_without_a_router_has_no_route(tells: Tells) -> None:
    with captured() as telemetry:
        talk(tells.watch(made(Async, tells=tells).as_asgi()), "a")
    assert only(telemetry).route is None
    assert f"websocket.receive {__name__}.Async" in {span.name for span in telemetry.spans}


class Wrapping(AsyncConsumer):  # type: ignore[misc]
    """Hands all of it to another consumer, in a task of its own, as demultiplexers do."""

    inner: Application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.begin = lambda: asyncio.ensure_future(self.inner(scope, self.messages.get, send))
        await super().__call__(scope, receive, send)

    async def dispatch(self, message: Any) -> None:
        if message["type"] == "websocket.connect":
            self.task = self.begin()  # type: ignore[no-untyped-call]
        await self.messages.put(message)
        if message["type"] == "websocket.disconnect":
            await self.task
            raise StopConsumer


def test_a_consumer_within_a_consumer_is_part_of_it(tells: Tells) -> None:
    inner = made(Async, tells=tells).as_asgi()
    outer = made(Wrapping, inner=staticmethod(inner))
    with captured() as telemetry:
        talk(outer.as_asgi(), "a", headers=[])
    assert only(telemetry).consumer.endswith("Wrapping")
    assert tells.ids == {only(telemetry).correlation_id}


class Answering(AsyncHttpConsumer):  # type: ignore[misc]
    async def handle(self, body: bytes) -> None:
        if body == b"boom":
            raise ValueError("no such luck")
        await self.send_response(201, str(correlation_id()).encode(), headers=[(b"x-more", b"1")])


def ask(body: bytes = b"") -> Any:
    served = URLRouter([path("items/<int:pk>/", Answering.as_asgi())])

    async def run() -> Any:
        asked = HttpCommunicator(served, "POST", "/items/7/", body=body, headers=HEADERS)
        asked.scope["asgi"] = {"version": "3.0"}
        return await asked.get_response()

    return asyncio.run(run())


def test_an_http_consumer_is_a_request() -> None:
    with captured() as telemetry:
        answer = ask()
    assert answer["body"] == GIVEN.encode()
    assert answer["headers"] == [(b"x-more", b"1"), (b"x-correlation-id", GIVEN.encode())]
    [exchange] = [record for record in telemetry.records if isinstance(record, Exchange)]
    assert (exchange.method, exchange.route, exchange.status) == ("POST", "items/<int:pk>/", 201)
    assert (exchange.view, exchange.bytes_out) == (f"{__name__}.Answering", len(GIVEN))
    assert (exchange.aborted, exchange.failure) == (False, None)
    assert [span.name for span in telemetry.spans] == ["POST items/<int:pk>/"]
    assert telemetry.sample("django_http_responses_total_by_status_total", status="201") == 1


@pytest.mark.parametrize("given", [{"kwargs": {"pk": 7}}, {"args": (7,)}, {}], ids=sorted)
def test_an_http_consumer_is_a_request_where_a_tests_scope_has_half_a_route(given: dict[str, Any]) -> None:
    async def run() -> None:
        asked = HttpCommunicator(Answering.as_asgi(), "GET", "/items/7/")
        asked.scope["url_route"] = given
        await asked.get_response()

    with captured() as telemetry:
        asyncio.run(run())
    [exchange] = [record for record in telemetry.records if isinstance(record, Exchange)]
    assert (exchange.view, exchange.status) == (f"{__name__}.Answering", 201)


def test_an_http_consumer_that_raises_is_a_500() -> None:
    with captured() as telemetry, pytest.raises(ValueError, match="no such luck"):
        ask(b"boom")
    [exchange] = [record for record in telemetry.records if isinstance(record, Exchange)]
    assert (exchange.status, exchange.failure and exchange.failure.type) == (500, "ValueError")


class Unusual(AsyncHttpConsumer):  # type: ignore[misc]
    async def handle(self, body: bytes) -> None:
        await self.send_response(600, b"")


def test_an_answer_with_a_status_that_http_does_not_know_is_told_too() -> None:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def run() -> None:
        asked = ApplicationCommunicator(Unusual.as_asgi(), scope)
        await asked.send_input({"type": "http.request", "body": b""})
        await asked.receive_output()
        await asked.receive_output()
        await asked.wait()

    activerequests.settle()
    before = REGISTRY.get_sample_value(HTTP_ACTIVE_REQUESTS.name)
    with captured() as telemetry:
        asyncio.run(run())
    [exchange] = [record for record in telemetry.records if isinstance(record, Exchange)]
    assert (exchange.status, exchange.aborted) == (600, False)
    assert [(span.attributes or {})["http.response.status_code"] for span in telemetry.spans] == [600]
    activerequests.settle()
    assert REGISTRY.get_sample_value(HTTP_ACTIVE_REQUESTS.name) == before


class Streaming(AsyncHttpConsumer):  # type: ignore[misc]
    async def handle(self, body: bytes) -> None:
        await self.send_headers()
        await self.send_body(b"begin", more_body=True)

    async def http_request(self, message: Any) -> None:
        await self.handle(message["body"])


def test_a_stream_whose_client_leaves_is_aborted() -> None:
    async def run() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        asked = ApplicationCommunicator(Streaming.as_asgi(), scope)
        await asked.send_input({"type": "http.request", "body": b""})
        await asked.receive_output()
        await asked.receive_output()
        await asked.send_input({"type": "http.disconnect"})
        await asked.wait()

    with captured() as telemetry:
        asyncio.run(run())
    [exchange] = [record for record in telemetry.records if isinstance(record, Exchange)]
    assert (exchange.status, exchange.aborted, exchange.bytes_out) == (200, True, 5)


class Thumbnails(SyncConsumer):  # type: ignore[misc]
    seen: list[str | None]

    def make(self, message: dict[str, Any]) -> None:
        self.seen.append(correlation_id())
        if message.get("fails"):
            raise ValueError("no such luck")


def test_each_message_of_a_workers_channel_has_an_id_of_its_own() -> None:
    seen: list[str | None] = []
    served = ChannelNameRouter({"thumbnails": made(Thumbnails, seen=seen).as_asgi()})

    async def run() -> None:
        worker = ApplicationCommunicator(served, {"type": "channel", "channel": "thumbnails"})
        for message in ({"type": "make"}, {"type": "make", "fails": True}):
            await worker.send_input(message)
        await worker.wait()

    with captured() as telemetry, pytest.raises(ValueError, match="no such luck"):
        asyncio.run(run())
    messages = [record for record in telemetry.records if isinstance(record, ChannelMessage)]
    assert [message.correlation_id for message in messages] == seen
    assert len(set(seen)) == 2
    assert [message.failure and message.failure.type for message in messages] == [None, "ValueError"]
    spans = [span for span in telemetry.spans if span.name == "process thumbnails"]
    assert [f"{span.context.trace_id:032x}" for span in spans] == seen
    assert [line["level"] for line in telemetry.lines if line.get("event") == "channel"] == ["INFO", "ERROR"]


class Continuing(SyncConsumer):  # type: ignore[misc]
    seen: list[str | None]

    def make(self, message: dict[str, Any]) -> None:
        with continued(message["carrier"], "make thumbnail"):
            self.seen.append(correlation_id())


def test_a_message_can_bring_its_senders_id() -> None:
    """As docs/how-to/channels.md shows."""
    seen: list[str | None] = []

    async def run() -> None:
        scope = {"type": "channel", "channel": "thumbnails"}
        worker = ApplicationCommunicator(made(Continuing, seen=seen).as_asgi(), scope)
        with correlated(GIVEN):
            await worker.send_input({"type": "make", "carrier": outgoing()})
        while not seen:  # noqa: ASYNC110 - the worker answers nobody
            await asyncio.sleep(0.01)
        worker.stop()

    with captured() as telemetry:
        asyncio.run(run())
    assert seen == [GIVEN]
    span = next(span for span in telemetry.spans if span.name == "make thumbnail")
    assert (span.attributes or {})["correlation_id"] == GIVEN


class Polling(InMemoryChannelLayer):  # type: ignore[misc]
    """Calls its broker through an instrumented library before it waits, as channels_redis does."""

    muted: ClassVar[list[bool]] = []

    async def receive(self, channel: str) -> Any:
        self.muted.append(not is_instrumentation_enabled())
        try:
            return await super().receive(channel)
        finally:
            self.muted.append(not await asyncio.create_task(enabled()))


async def enabled() -> bool:
    return is_instrumentation_enabled()


class Alert(Grouped):
    async def news_flash(self, message: dict[str, Any]) -> None:
        self.tells(f"flash {is_instrumentation_enabled()}")
        await super().news_flash(message)


@override_settings(CHANNEL_LAYERS={"default": {"BACKEND": f"{__name__}.Polling"}})
def test_a_layers_polls_are_not_traced_and_what_they_bring_is(
    tells: Tells, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Polling, "muted", [])

    async def run() -> None:
        spoken = WebsocketCommunicator(application(Alert, tells), "/ws/a/", headers=HEADERS)
        await spoken.connect()
        await get_channel_layer().group_send("news", {"type": "news.flash", "text": "now"})
        assert await spoken.receive_from() == "now"
        await spoken.disconnect()

    asyncio.run(run())
    assert len(Polling.muted) >= 3
    assert all(Polling.muted)
    assert ("flash True", GIVEN) in tells.seen
    assert tells.left == NOTHING


class Asked(AsyncConsumer):  # type: ignore[misc]
    done: asyncio.Future[bool]

    async def make(self, _: dict[str, Any]) -> None:
        self.done.set_result(is_instrumentation_enabled())


@override_settings(CHANNEL_LAYERS={"default": {"BACKEND": f"{__name__}.Polling"}})
def test_nor_are_those_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Polling, "muted", [])

    async def run() -> bool:
        layer, done = get_channel_layer(), asyncio.get_running_loop().create_future()
        served = ChannelNameRouter({"thumbnails": made(Asked, done=done).as_asgi()})
        listening = asyncio.create_task(Worker(served, ["thumbnails"], layer).listener("thumbnails"))
        await layer.send("thumbnails", {"type": "make"})
        answer: bool = await asyncio.wait_for(done, 10)
        listening.cancel()
        return answer

    assert asyncio.run(run())
    assert len(Polling.muted) >= 3
    assert all(Polling.muted)


def test_installing_again_changes_nothing_and_what_is_wrapped_looks_as_before() -> None:
    call, route = AsyncConsumer.__call__, URLRouter.__call__
    consumers.install(channels.consumer)
    consumers.install(channels.routing)
    assert (AsyncConsumer.__call__, URLRouter.__call__) == (call, route)
    assert iscoroutinefunction(call)
    assert list(signature(call).parameters) == ["self", "scope", "receive", "send"]


def test_the_consumer_is_left_as_it_was(tells: Tells) -> None:
    consumer = made(Async, tells=tells)()
    talk(consumer, "a")
    assert "dispatch" not in vars(consumer)


def test_a_dispatch_of_the_instances_own_is_put_back() -> None:
    consumer = Async()
    consumer.dispatch = AsyncMock(side_effect=StopConsumer)
    mock = consumer.dispatch

    async def run() -> None:
        spoken = ApplicationCommunicator(consumer, {"type": "websocket", "path": "/", "headers": []})
        await spoken.send_input({"type": "websocket.connect"})
        await spoken.wait()

    asyncio.run(run())
    assert consumer.dispatch is mock
    mock.assert_awaited_once_with({"type": "websocket.connect"})


def test_a_consumer_that_serves_two_connections_at_once_is_left_as_it_was(tells: Tells) -> None:
    consumer = made(Async, tells=tells)()

    async def run() -> None:
        first, second = (WebsocketCommunicator(consumer, "/ws/a/") for _ in range(2))
        for each in (first, second):
            await each.send_input({"type": "websocket.connect"})
            await each.receive_output()
        for each in (first, second):
            await each.send_input({"type": "websocket.disconnect", "code": 1000})
            await each.wait()

    asyncio.run(run())
    assert "dispatch" not in vars(consumer)


def test_a_fault_of_ours_is_no_fault_of_the_service(tells: Tells, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("ours")

    with monkeypatch.context() as patched, captured() as telemetry:
        patched.setattr(reporting, "_failures", reporting._failures.copy())
        patched.setattr(handshake, "ASGIRequest", fails)
        talk(application(Async, tells), "a")
        assert [place for place, _ in tells.seen] == ["connect", "receive", "disconnect"]
    assert sockets(telemetry) == []


def test_a_project_without_channels_imports_nothing_of_it() -> None:
    program = (
        "import sys, django; django.setup();"
        "print([name for name in sys.modules if name.split('.')[0] in ('channels', 'daphne')"
        " or name == 'django_observe.consumers'])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
