"""How many requests are being served: right at any moment, however a request ends, in every process."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families as parse

from demo_services.ports import free_port
from django_observe import activerequests, metrics
from django_observe.metricset import HTTP_ACTIVE_REQUESTS
from django_observe.middleware import ObserveMiddleware
from tests.processes import Process, get, wait_until

ROOT = Path(__file__).parent.parent
NAME = HTTP_ACTIVE_REQUESTS.name


def active() -> float:
    activerequests.settle()
    return REGISTRY.get_sample_value(NAME) or 0.0


@pytest.fixture(autouse=True)
def idle() -> float:
    """What other tests left open is theirs."""
    gc.collect()
    return active()


def short_circuit(get_response: object) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware that answers early."""
    return lambda _: HttpResponse(str(active()))


def test_a_request_counts_while_it_is_served(idle: float) -> None:
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, f"{__name__}.short_circuit"]):
        assert float(Client().get("/ok/").content) == idle + 1
    assert active() == idle


@pytest.mark.parametrize(
    "path", ["/ok/", "/nowhere/", "/boom/", "/denied/", "/async/boom/", "/metrics", "/healthz"]
)
def test_none_is_left_however_it_ends(path: str, idle: float) -> None:
    Client(raise_request_exception=False).get(path)
    asyncio.run(AsyncClient(raise_request_exception=False).get(path))
    assert active() == idle


def test_our_own_answers_do_not_count(idle: float) -> None:
    client = Client()
    client.get("/ok/")
    page = client.get("/metrics").content.decode()
    assert f"\n{NAME} {idle}\n" in page


def test_a_stream_counts_until_its_last_byte(idle: float) -> None:
    body = iter(Client().get("/stream/"))
    next(body)
    assert active() == idle + 1
    list(body)
    assert active() == idle


def test_a_stream_that_breaks_is_over(idle: float) -> None:
    with pytest.raises(ValueError, match="broken"):
        list(Client().get("/broken-stream/"))
    assert active() == idle


def test_a_stream_that_nobody_closes_is_over_when_it_is_collected(idle: float) -> None:
    middleware = ObserveMiddleware(lambda _: StreamingHttpResponse(iter([b"a", b"b"])))
    response = middleware(RequestFactory().get("/ok/"))
    assert active() == idle + 1
    del response
    gc.collect()
    assert active() == idle


def test_an_async_request_that_is_given_up_is_over(idle: float) -> None:
    seen = []

    async def hang(_: HttpRequest) -> HttpResponse:
        seen.append(active())
        await asyncio.Event().wait()
        raise AssertionError

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ObserveMiddleware(hang)(RequestFactory().get("/ok/")), 0.05)  # type: ignore[arg-type]

    asyncio.run(give_up())
    assert seen == [idle + 1]
    assert active() == idle


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12+ on forks with threads
def test_a_child_forked_meanwhile_neither_counts_nor_uncounts() -> None:
    request = activerequests.ActiveRequest()
    before = active()
    child = os.fork()
    if child == 0:
        request.end()
        os._exit(int(active() != before))
    assert os.waitpid(child, 0)[1] == 0
    request.end()
    assert active() == before - 1


@override_settings(DJANGO_OBSERVE={"METRICS": False})
def test_without_metrics_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "count_active", lambda _: pytest.fail("counted"))
    assert Client().get("/ok/").status_code == 200


@override_settings(DJANGO_OBSERVE={"METRICS": "django_observe.metrics.report"})
def test_with_metrics_of_the_projects_own_it_counts(idle: float) -> None:
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, f"{__name__}.short_circuit"]):
        assert float(Client().get("/ok/").content) == idle + 1
    assert active() == idle


def test_many_threads_lose_none(idle: float) -> None:
    def work() -> None:
        for _ in range(300):
            Client().get("/ok/")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert active() == idle


FILES = {
    "shop/__init__.py": "",
    "shop/settings.py": """
        SECRET_KEY = "only for tests"
        ALLOWED_HOSTS = ["*"]
        ROOT_URLCONF = "shop.urls"
        INSTALLED_APPS = ["django_observe"]
    """,
    "shop/urls.py": """
        import asyncio, pathlib, time
        from django.http import HttpResponse, StreamingHttpResponse
        from django.urls import path

        def hold(request):
            while not pathlib.Path("go").exists():
                time.sleep(0.01)
            return HttpResponse("went")

        async def drip(request):
            async def body():
                while True:
                    yield b"drop"
                    await asyncio.sleep(0.01)
            return StreamingHttpResponse(body())

        urlpatterns = [path("hold/", hold), path("drip/", drip)]
    """,
    "shop/wsgi.py": """
        import os
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """,
    "shop/asgi.py": """
        import os
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        from django.core.asgi import get_asgi_application
        application = get_asgi_application()
    """,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(textwrap.dedent(text))
    return tmp_path


@contextmanager
def served(project: Path, *argv: str | Path) -> Iterator[tuple[Process, str]]:
    """A server of the project, and its address."""
    port = free_port()
    words = [str(word).format(port=port) for word in argv]
    given = {"PYTHONPATH": str(ROOT), "OBSERVE_METRICS_DIR": str(project), "DJANGO_SETTINGS_MODULE": ""}
    with Process(words, cwd=project, env=given) as process:
        process.wait_for_http(f"http://127.0.0.1:{port}/healthz")
        yield process, f"127.0.0.1:{port}"


def ask(address: str, path: str) -> socket.socket:
    """A request whose answer nobody has read yet."""
    host, _, port = address.partition(":")
    client = socket.create_connection((host, int(port)), timeout=20)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    return client


def counted(address: str) -> float:
    page = get(f"http://{address}/metrics").text
    values = [sample.value for family in parse(page) for sample in family.samples if sample.name == NAME]
    return sum(values)


BIN = Path(sys.executable).parent
GUNICORN = (BIN / "gunicorn", "shop.wsgi", "-c", "python:django_observe.gunicorn", "-b", "127.0.0.1:{port}")


def test_several_workers_have_one_number_and_a_killed_one_takes_its_part_along(project: Path) -> None:
    workers = ("-k", "gthread", "--workers", "2", "--threads", "6")
    with served(project, *GUNICORN, *workers) as (_, address), ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(ask(address, "/hold/"))
        wait_until(lambda: counted(address) == 4, "four requests in flight")
        (directory,) = project.glob("django-observe-metrics-*")
        serving = {int(path.stem.rpartition("_")[2]) for path in directory.glob("gauge_livesum_*.db")}
        for pid in serving:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: counted(address) == 0, "the dead workers' requests to be gone")
        again = clients.enter_context(ask(address, "/hold/"))
        wait_until(lambda: counted(address) == 1, "the new worker's request")
        (project / "go").touch()
        assert again.recv(100).startswith(b"HTTP/1.1 200")
        wait_until(lambda: counted(address) == 0, "no request to be left")


@pytest.mark.skipif(django.VERSION < (5, 0), reason="Django 4.2 does not tell a body that its client left")
def test_a_client_that_leaves_an_async_stream_is_counted_out(project: Path) -> None:
    uvicorn = (BIN / "uvicorn", "shop.asgi:application", "--port", "{port}", "--log-level", "warning")
    with served(project, *uvicorn) as (_, address):
        with ask(address, "/drip/") as client:
            assert client.recv(10)
            wait_until(lambda: counted(address) == 1, "the stream in flight")
        wait_until(lambda: counted(address) == 0, "the stream to be over")
