"""The middleware: one exchange for every answer, the ID on every response, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO, UnsupportedOperation
from pathlib import Path
from typing import Any, cast
from wsgiref.util import FileWrapper

import django
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connection
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from django.urls import include, path, re_path
from opentelemetry import trace
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import TracerProvider
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, authentication_classes
from rest_framework.request import Request

from django_observe import correlated, correlation_id, middleware, reporting, tally
from django_observe.observation import Observation
from django_observe.records import Exchange, Record
from django_observe.testing import captured

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]

FORMED = "order-4711.retry_2"
SINCE_5 = pytest.mark.skipif(django.VERSION < (5, 0), reason="Django 5.0 brought auser()")


def ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse(correlation_id())


async def aok(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse(f"{correlation_id()} {threading.current_thread().name}")


def boom(request: HttpRequest) -> HttpResponse:
    raise ValueError("no such luck")


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation


def queries(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        for number in range(3):
            cursor.execute("SELECT %s", [number])
        cursor.execute("SELECT 1 + 1")
    return HttpResponse("x" * 10)


def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


async def auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str((await request.auser()).pk))


class ByKey(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        key = request.headers["Authorization"].removeprefix("Token ")
        return get_user_model().objects.get(pk=key), None


@api_view(["GET"])
@authentication_classes([ByKey])
def api(request: Request) -> HttpResponse:
    return HttpResponse(str(request.user.pk))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield f"{correlation_id()}"
        yield " end"

    return StreamingHttpResponse(parts())


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "begin"
        raise RuntimeError("half way")

    return StreamingHttpResponse(parts())


async def astream(request: HttpRequest) -> StreamingHttpResponse:
    async def parts() -> AsyncIterator[str]:
        yield f"{correlation_id()}"
        await asyncio.sleep(0)
        yield " end"

    return StreamingHttpResponse(parts())


urlpatterns = [
    path("ok/", ok, name="ok"),
    path("aok/", aok),
    path("boom/", boom),
    path("denied/", denied),
    path("suspicious/", suspicious),
    path("queries/", queries),
    path("user/", user),
    path("auser/", auser),
    path("api/", api),
    path("stream/", stream),
    path("broken-stream/", broken_stream),
    path("astream/", astream),
    path("nested/", include(([re_path(r"^(?P<pk>\d+)/$", lambda request, pk: HttpResponse(pk))], "nested"))),
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Record]]:
    """Every record reported during the test; the settings it overrides do not bring the reporters back."""
    records: list[Record] = []
    before = reporting.reporters()
    reporting.set_reporters((records.append,))
    with monkeypatch.context() as patched:
        patched.setattr(reporting, "set_reporters", lambda reporters: None)
        yield records
    reporting.set_reporters(before)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Each test ends in the context it began in, and the guard has caught nothing."""
    failures = reporting.failures()
    yield
    assert correlation_id() is None
    assert tally.current() is None
    assert reporting.failures() == failures


def exchanges(told: list[Record]) -> list[Exchange]:
    return [record for record in told if isinstance(record, Exchange)]


def only(told: list[Record]) -> Exchange:
    (exchange,) = exchanges(told)
    return exchange


@pytest.mark.parametrize(
    ("where", "status", "route"),
    [
        ("/ok/", 200, "ok/"),
        ("/boom/", 500, "boom/"),
        ("/denied/", 403, "denied/"),
        ("/suspicious/", 400, "suspicious/"),
        ("/nowhere/", 404, "unmatched"),
        ("/nested/12/", 200, "nested/<pk>/"),
    ],
)
def test_every_answer_is_told_once_and_carries_its_id(
    told: list[Record], where: str, status: int, route: str
) -> None:
    response = Client(raise_request_exception=False).get(where)
    exchange = only(told)
    assert (response.status_code, exchange.status, exchange.route) == (status, status, route)
    assert response["X-Correlation-ID"] == exchange.correlation_id
    assert exchange.seconds > 0


@override_settings(ALLOWED_HOSTS=["good.example"])
def test_disallowed_host_is_told_and_carries_its_id(told: list[Record]) -> None:
    with override_settings(
        MIDDLEWARE=[*django_settings.MIDDLEWARE, "django.middleware.common.CommonMiddleware"]
    ):
        response = Client(raise_request_exception=False).get("/ok/", headers={"host": "evil.example"})
    assert response.status_code == 400
    assert response["X-Correlation-ID"] == only(told).correlation_id


@pytest.mark.parametrize("header", ["X-Correlation-ID", "X-Request-ID"])
def test_a_trusted_peers_id_is_continued(told: list[Record], header: str) -> None:
    response = Client().get("/ok/", headers={header: FORMED})
    assert response.content.decode() == response["X-Correlation-ID"] == only(told).correlation_id == FORMED


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short",
        "x" * 129,
        "y" * 1_000_000,
        "a,bcdefghi",
        "has space",
        "{12345678}",
        "ünïcödé-id",
        "new\nline12",
    ],
)
def test_a_malformed_id_is_replaced(told: list[Record], value: str) -> None:
    response = Client().get("/ok/", headers={"X-Correlation-ID": value})
    assert response["X-Correlation-ID"] != value
    assert len(response["X-Correlation-ID"]) == 32


@override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": ["192.0.2.0/24"]})
def test_an_untrusted_peers_id_is_kept_beside(told: list[Record]) -> None:
    response = Client().get("/ok/", headers={"X-Correlation-ID": FORMED, "X-Request-Start": "t=1.5"})
    exchange = only(told)
    assert exchange.client_correlation_id == FORMED
    assert response["X-Correlation-ID"] == exchange.correlation_id != FORMED
    assert exchange.queue_seconds is None


@override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": None})
def test_without_a_response_header_none_is_added(told: list[Record]) -> None:
    assert not Client().get("/ok/").headers.get("X-Correlation-ID")


def test_database_work_is_counted_with_its_repetitions(told: list[Record]) -> None:
    Client().get("/queries/")
    exchange = only(told)
    assert (exchange.queries.count, exchange.queries.repeat) == (4, 3)
    assert 0 < exchange.queries.seconds < exchange.seconds
    assert exchange.bytes_out == 10


def test_an_uncaught_exception_is_described(told: list[Record]) -> None:
    Client(raise_request_exception=False).get("/boom/")
    exchange = only(told)
    assert exchange.failure is not None
    assert (exchange.failure.type, exchange.failure.message) == ("ValueError", "no such luck")
    assert "in boom" in exchange.failure.stack
    assert exchange.view_exception == "ValueError"


@pytest.mark.parametrize("length", ["abc", "-5", "1e9", "", "9" * 400, "١٢٣"])
def test_a_bad_content_length_changes_nothing(told: list[Record], length: str) -> None:
    assert Client().get("/ok/", CONTENT_LENGTH=length).status_code == 200
    assert only(told).bytes_in == 0


@pytest.mark.parametrize(
    ("where", "known"), [("/user/", True), pytest.param("/auser/", True, marks=SINCE_5), ("/ok/", False)]
)
@override_settings(
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        middleware.PATH,
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    DJANGO_OBSERVE={"USER_ID": "id"},
)
def test_the_user_is_told_where_the_view_looked_one_up(
    told: list[Record], django_user_model: type[Any], where: str, known: bool
) -> None:
    user, client = django_user_model.objects.create_user("ada"), Client()
    client.force_login(user)
    response = client.get(where)
    assert only(told).user_id == (str(user.pk) if known else None)
    assert only(told).queries.count == int(known)
    assert response.has_header("Vary") is known


@override_settings(DJANGO_OBSERVE={"USER_ID": "id"})
def test_a_user_whom_rest_framework_authenticated_is_told(
    told: list[Record], django_user_model: type[Any]
) -> None:
    user = django_user_model.objects.create_user("ada")
    assert Client().get("/api/", headers={"Authorization": f"Token {user.pk}"}).status_code == 200
    assert only(told).user_id == str(user.pk)
    told.clear()
    with override_settings(DJANGO_OBSERVE={}):
        Client().get("/api/", headers={"Authorization": f"Token {user.pk}"})
    assert only(told).user_id is None


def test_a_stream_is_told_when_its_body_ends_and_runs_under_its_id(told: list[Record]) -> None:
    response = Client().get("/stream/")
    assert exchanges(told) == []
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    exchange = only(told)
    assert body.decode() == f"{exchange.correlation_id} end"
    assert exchange.streaming
    assert exchange.bytes_out == len(body)
    assert not exchange.aborted


def test_a_stream_that_breaks_is_told_with_its_error(told: list[Record]) -> None:
    response = Client().get("/broken-stream/")
    with pytest.raises(RuntimeError):
        b"".join(response.streaming_content)  # type: ignore[attr-defined]
    exchange = only(told)
    assert exchange.failure is not None
    assert exchange.failure.type == "RuntimeError"


def test_a_stream_that_nobody_reads_to_its_end_is_told_as_aborted(told: list[Record]) -> None:
    response = Client().get("/stream/")
    next(iter(response.streaming_content))  # type: ignore[attr-defined]
    response.close()
    assert only(told).aborted


def _file_response(file: Any) -> FileResponse:
    request = RequestFactory().get("/download/", **{"wsgi.file_wrapper": cast("Any", FileWrapper)})
    response = middleware.ObserveMiddleware(lambda _: FileResponse(file))(request)
    assert isinstance(response, FileResponse)
    return response


def test_a_file_keeps_the_servers_file_wrapper(told: list[Record]) -> None:
    with Path(__file__).open("rb") as file:
        response = _file_response(file)
        assert cast("Any", response.file_to_stream) is file
        response.close()
    assert not only(told).aborted


@pytest.mark.parametrize("error", [UnsupportedOperation, NotImplementedError])
def test_a_file_without_a_descriptor_is_read_under_its_id(told: list[Record], error: type[Exception]) -> None:
    class Remote(BytesIO):
        def fileno(self) -> int:
            raise error

        def read(self, size: int | None = -1, /) -> bytes:
            read.append(correlation_id())
            return super().read(size)

    read: list[str | None] = []
    assert _file_response(Remote(b"seven77")).getvalue() == b"seven77"
    exchange = only(told)
    assert set(read) == {exchange.correlation_id}
    assert exchange.bytes_out == 7


def test_a_file_that_cannot_be_read_is_told_with_its_error(told: list[Record]) -> None:
    class Gone(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        _file_response(Gone(b"seven77")).getvalue()
    failure = only(told).failure
    assert failure is not None
    assert (failure.type, failure.message) == ("OSError", "gone")


async def _get(where: str, **headers: str) -> Any:
    return await AsyncClient(raise_request_exception=False).get(where, headers=headers)


def test_async_views_run_in_the_event_loops_own_thread(told: list[Record]) -> None:
    response = asyncio.run(_get("/aok/"))
    exchange = only(told)
    assert response.content.decode() == f"{exchange.correlation_id} MainThread"
    assert response["X-Correlation-ID"] == exchange.correlation_id


def test_async_errors_are_told(told: list[Record]) -> None:
    assert asyncio.run(_get("/boom/")).status_code == 500
    failure = only(told).failure
    assert failure is not None
    assert failure.type == "ValueError"


def test_async_streams_are_told_at_their_end(told: list[Record]) -> None:
    async def read() -> bytes:
        response = await _get("/astream/")
        return b"".join([part async for part in response.streaming_content])

    body = asyncio.run(read())
    assert body.decode() == f"{only(told).correlation_id} end"


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
def test_a_task_that_was_cancelled_in_the_middle_of_a_threads_step_is_clean_after_it(
    told: list[Record],
) -> None:
    """As under Django 6.1, where the task that closes the answer is the one that was cancelled."""
    begun = threading.Event()

    def parts() -> Iterator[str]:
        begun.set()
        time.sleep(0.2)
        yield "too late"

    async def view(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(parts())

    async def leave() -> str | None:
        task = asyncio.current_task()
        assert task is not None
        response: Any = await cast("Any", middleware.ObserveMiddleware(view)(RequestFactory().get("/")))
        canceller = asyncio.ensure_future(asyncio.to_thread(begun.wait, 10))
        canceller.add_done_callback(lambda _: task.cancel())
        with suppress(asyncio.CancelledError):
            async for _ in response:
                pass
        await sync_to_async(response.close)()
        return correlation_id()

    assert asyncio.run(leave()) is None
    assert only(told).bytes_out == len("too late")


def test_a_cancelled_request_is_told_as_client_closed(told: list[Record]) -> None:
    async def never(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(60)
        return HttpResponse()

    async def disconnect() -> None:
        task = asyncio.ensure_future(_call(middleware.ObserveMiddleware(never), RequestFactory().get("/")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def _call(observed: Any, request: HttpRequest) -> Any:
        return await observed(request)

    asyncio.run(disconnect())
    assert (only(told).status, only(told).aborted) == (499, True)


def test_two_hundred_concurrent_async_requests_do_not_mix_their_ids(told: list[Record]) -> None:
    async def all_of_them() -> list[bool]:
        names = [f"request-{number:04d}" for number in range(200)]
        answers = await asyncio.gather(*(_get("/aok/", **{"X-Correlation-ID": name}) for name in names))
        return [answer.content.decode().startswith(name) for answer, name in zip(answers, names, strict=True)]

    assert all(asyncio.run(all_of_them()))
    assert len(exchanges(told)) == 200


def test_a_processor_or_propagator_that_raises_changes_no_answer_and_hides_no_request(
    told: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Raising:
        trace = None
        context = Context()

        def answered(self, response: object) -> None:
            raise RuntimeError("a response propagator")

        def end(self) -> None:
            raise RuntimeError("a span processor")

    with monkeypatch.context() as patch:
        patch.setattr("django_observe.traces.begin", lambda request, trusted: Raising())
        patch.setattr(reporting, "_failures", Counter())
        assert Client().get("/ok/").status_code == 200
        assert b"".join(Client().get("/stream/").streaming_content)  # type: ignore[attr-defined]
        assert len(exchanges(told)) == 2
        assert reporting.failures() == {"middleware": 2, "traces": 2}


def test_an_id_that_a_body_opens_stays_current_over_its_parts(told: list[Record]) -> None:
    def parts() -> Iterator[str]:
        yield f"{correlation_id()} "
        with correlated("part-of-it-1"):
            yield f"{correlation_id()} "
            yield f"{correlation_id()} "
        yield f"{correlation_id()}"

    response = middleware.ObserveMiddleware(lambda _: StreamingHttpResponse(parts()))(
        RequestFactory().get("/", headers={"X-Correlation-ID": FORMED})
    )
    body = b"".join(cast("StreamingHttpResponse", response)).decode()
    assert body == f"{FORMED} part-of-it-1 part-of-it-1 {FORMED}"
    assert (correlation_id(), only(told).correlation_id) == (None, FORMED)


def test_a_thread_goes_on_with_its_request_and_the_next_request_is_not_touched(told: list[Record]) -> None:
    with ThreadPoolExecutor(1) as pool:

        def view(_: HttpRequest) -> HttpResponse:
            return HttpResponse(pool.submit(correlation_id).result())

        for identifier in ("first-request", "other-request"):
            request = RequestFactory().get("/", headers={"X-Correlation-ID": identifier})
            response = middleware.ObserveMiddleware(view)(request)
            assert cast("HttpResponse", response).content.decode() == identifier
        assert pool.submit(correlation_id).result() is None


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_child_that_a_view_forks_has_the_id_and_tells_no_request(told: list[Record]) -> None:
    def view(_: HttpRequest) -> HttpResponse:
        if (child := os.fork()) == 0:
            raise SystemExit(0 if correlation_id() == FORMED else 3)
        return HttpResponse(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))

    request = RequestFactory().get("/", headers={"X-Correlation-ID": FORMED})
    parent = os.getpid()
    try:
        response = middleware.ObserveMiddleware(view)(request)
    except SystemExit as leaving:
        os._exit(cast("int", leaving.code) or len(told))
    assert os.getpid() == parent
    assert cast("HttpResponse", response).content == b"0"
    assert len(told) == 1


@override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True)
def test_a_propagated_exception_is_a_failure_and_no_abortion(told: list[Record]) -> None:
    with pytest.raises(ValueError, match="no such luck"):
        Client().get("/boom/")
    assert (only(told).status, only(told).aborted) == (500, False)


def test_a_span_that_a_body_opens_stays_current_over_its_parts(told: list[Record]) -> None:
    tracer, seen = TracerProvider(shutdown_on_exit=False).get_tracer("shop"), []

    def parts() -> Iterator[str]:
        with tracer.start_as_current_span("inner") as span:
            for part in "abc":
                seen.append(trace.get_current_span() is span)
                yield part

    with captured():
        response = middleware.ObserveMiddleware(lambda _: StreamingHttpResponse(parts()))(
            RequestFactory().get("/")
        )
        assert b"".join(cast("StreamingHttpResponse", response)) == b"abc"
    assert seen == [True, True, True]
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.mark.parametrize("kind", [list, tuple])
def test_install_puts_us_first_and_only_once(kind: type[list[str] | tuple[str, ...]]) -> None:
    listed = kind(["django.middleware.common.CommonMiddleware"])
    with override_settings(MIDDLEWARE=listed):
        for _ in range(3):
            middleware.install()
        assert list(django_settings.MIDDLEWARE) == [
            middleware.PATH,
            "django.middleware.common.CommonMiddleware",
        ]
        assert (django_settings.MIDDLEWARE is listed) is (kind is list)
        assert type(django_settings.MIDDLEWARE) is kind


def test_install_goes_after_opentelemetrys_own_middleware() -> None:
    own = "opentelemetry.instrumentation.django.middleware.otel_middleware._DjangoMiddleware"
    with override_settings(MIDDLEWARE=[own, "django.middleware.common.CommonMiddleware"]):
        middleware.install()
        assert django_settings.MIDDLEWARE[1] == middleware.PATH


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("t={:.3f}", 2.0), ("{:.3f}", 2.0), ("soon", None), ("", None), ("t=nan", None), ("t=1", None)],
)
def test_the_wait_before_us_is_read_from_the_proxys_header(
    told: list[Record], monkeypatch: pytest.MonkeyPatch, sent: str, expected: float | None
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("django_observe.observation.time", lambda: now)
    Client().get("/ok/", headers={"X-Request-Start": sent.format(now - 2)})
    waited = only(told).queue_seconds
    assert waited is None if expected is None else waited == pytest.approx(expected)


def test_binding_a_request_again_makes_no_new_context() -> None:
    observation, seen = Observation(RequestFactory().get("/ok/")), []
    for _ in range(2):
        tokens = observation.bind()
        seen.append(get_current())
        observation.unbind(tokens)
    assert seen[0] is seen[1]
    assert correlation_id() is None


def test_a_clock_set_back_never_gives_a_negative_duration(
    told: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 5.0, 4.0, 3.0])
    monkeypatch.setattr("django_observe.observation.perf_counter", lambda: next(clock))
    Client().get("/ok/")
    assert only(told).seconds == 0
