"""By which name a service is asked: Django refuses, and mails, those that ALLOWED_HOSTS does not have."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.core import mail
from django.test import override_settings

from demo_services.ports import free_port
from django_observe import middleware
from django_observe.doctor import asking, clock, metricspage, service, servicemetric, serviceurl
from django_observe.doctor.canary import Canary
from django_observe.doctor.finding import OK
from tests.doctor.answering import Answering, Told
from tests.doctor.diagnosis import diagnosed
from tests.doctor.faulttable import PLANTED, plant
from tests.doctor.serving import served

REFUSED = plant(
    "the service's ALLOWED_HOSTS is another than that of this process",
    "service",
    "ALLOWED_HOSTS of the service may not have that name (DisallowedHost, mailed to ADMINS): its log says",
    'ALLOWED_HOSTS += ["…"]    # in the service\'s settings; or --url by a name that its ALLOWED_HOSTS has',
)
COMMON = "django.middleware.common.CommonMiddleware"
"""Which asks for the host of each request."""


@pytest.fixture
def shop() -> Iterator[str]:
    """One that mails what it refuses, as Django does without a LOGGING of the project's own."""
    given = {"ALLOWED_HOSTS": ["shop.example.com"], "ADMINS": [("Ada", "ada@example.com")]}
    with override_settings(**given, MIDDLEWARE=[middleware.PATH, COMMON]), served() as url:
        yield url


def test_it_is_asked_by_a_name_that_it_has(shop: str, sent: Canary) -> None:
    asked = replace(sent, urls=(shop,))
    [found] = service.examine(asked)
    assert found.state == OK
    assert re.search(r"answered the canary \(404\) .* ms, asked as shop\.example\.com$", found.says)
    for hop in (clock, metricspage, servicemetric):
        assert [each.state for each in hop.examine(asked)] == [OK]
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        (["127.0.0.1"], ""),
        (["*"], ""),
        ([".example.com", "shop.example.org"], "shop.example.org"),
        ([".example.com"], "example.com"),
        ([], ""),
    ],
)
def test_the_name(allowed: list[str], name: str) -> None:
    with override_settings(ALLOWED_HOSTS=allowed):
        assert asking.allowed_name("http://user:word@127.0.0.1:8600/orders") == name
    with override_settings(ALLOWED_HOSTS=[], DEBUG=True):
        assert asking.allowed_name("http://localhost:8600") == ""


@pytest.mark.parametrize(
    ("host", "name"),
    [
        *(
            ("10.1.2.3", "shop.example.com"),
            ("[::1]:8600", "shop.example.com"),
            ("localhost", "shop.example.com"),
        ),
        *(("orders.staging.example.com", ""), ("orders:8600", "")),
    ],
)
def test_a_name_that_somebody_gave_is_kept(host: str, name: str) -> None:
    """What stands before the service may know it by that."""
    with override_settings(ALLOWED_HOSTS=["shop.example.com"]):
        assert asking.allowed_name(f"http://{host}") == name
    with override_settings(ALLOWED_HOSTS=[], DEBUG=True):
        assert asking.allowed_name("https://orders.staging.example.com") == ""


def test_a_name_is_sent_as_it_was_given(sent: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's resolver is told of it."""
    name, resolved = "orders.staging.example.com", socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *args: resolved("127.0.0.1", *args))
    with override_settings(ALLOWED_HOSTS=["localhost"]), refusing(sent) as other:
        url = other.url.replace("127.0.0.1", name)
        change = PLANTED[REFUSED].change.replace("…", name)
        found = diagnosed(service.examine(replace(sent, urls=(url,))), REFUSED, change)
    host = url.removeprefix("http://")
    assert found.says == f"{url} answers 400 to Host {host}"
    assert {each.headers["Host"] for each in other.requests} == {host}


@pytest.mark.parametrize("header", ["X-Correlation-ID", None])
def test_a_400_may_be_a_name_that_is_refused(sent: Canary, header: str | None) -> None:
    with override_settings(DJANGO_OBSERVE={"CORRELATION_HEADER": header}), refusing(sent) as other:
        change = PLANTED[REFUSED].change.replace("…", "127.0.0.1")
        found = diagnosed(service.examine(replace(sent, urls=(other.url,))), REFUSED, change)
        assert found.says == f"{other.url} answers 400 to Host {other.host}"


def test_a_path_of_the_projects_own_may_answer_400(sent: Canary) -> None:
    with refusing(sent, b'{"detail": "no basket"}') as other:
        [found] = service.examine(replace(sent, urls=(f"{other.url}/orders",)))
    assert found.state == OK
    with refusing(sent, b"<h1>Bad Request (400)</h1>") as other:
        change = PLANTED[REFUSED].change.replace("…", "127.0.0.1")
        diagnosed(service.examine(replace(sent, urls=(f"{other.url}/orders",))), REFUSED, change)


def refusing(sent: Canary, page: bytes = b"") -> Answering:
    return Answering(lambda _: Told(400, {"X-Correlation-ID": sent.correlation_id}, page))


def test_the_usual_address_is_proposed_where_the_service_is_there(
    sent: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = replace(sent, urls=(f"http://127.0.0.1:{free_port()}",))
    with override_settings(DJANGO_OBSERVE={"SERVICE_NAME": "shop"}), served() as url:
        monkeypatch.setattr(serviceurl, "USUAL", url)
        assert [each.change for each in service.examine(away)] == [f"--url {url}"]
