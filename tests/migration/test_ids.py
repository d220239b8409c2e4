"""Kits that keep an ID of a request: beside us it is the same one, under every name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client, override_settings

from django_observe import otherids, requesthead
from tests.collector import Received
from tests.migration.conftest import Serve
from tests.migration.service import parsed

GIVEN = "5e6f5f0e8a1b4c6d9e2f3a4b5c6d7e8f"

KITS = [("guid", "Correlation-ID"), ("request_id", "X-Request-ID")]


@pytest.mark.parametrize(("kit", "header"), KITS)
def test_a_request_has_one_id_under_both_names(serve: Serve, kit: str, header: str) -> None:
    answer, lines = serve(kit).said("/orders/7/")
    identifier = answer.headers["X-Correlation-ID"]
    assert answer.headers.get_all(header) == [identifier]
    assert answer.json() == {"correlation_id": identifier, "kit": identifier}
    assert [line for line in lines if identifier not in line] == []
    assert f"INFO [{identifier}] shop order 7" in lines


@pytest.mark.parametrize(("kit", "header"), KITS)
def test_an_id_in_the_other_kits_header_is_continued(serve: Serve, kit: str, header: str) -> None:
    answer = serve(kit).get("/orders/7/", **{header: GIVEN})
    assert (answer.headers["X-Correlation-ID"], answer.headers[header]) == (GIVEN, GIVEN)


@pytest.mark.parametrize("given", ["<script>alert(1)</script>", "short", "x" * 129, "1234567é"])
@pytest.mark.parametrize(("kit", "header"), KITS)
def test_what_is_no_id_is_not_taken_on(serve: Serve, kit: str, header: str, given: str) -> None:
    """Both kits by themselves would hand it to the view, or answer with it."""
    answer = serve(kit).get("/orders/7/", **{header: given})
    identifier = answer.headers["X-Correlation-ID"]
    assert answer.headers[header] == answer.json()["kit"] == identifier != given


def test_a_stranger_chooses_no_id_by_the_other_kits_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requesthead, "_accepted", ("Correlation-ID",))
    for trusted, chosen in ((["127.0.0.1"], True), ([], False)):
        with override_settings(DJANGO_OBSERVE={"TRUSTED_PEERS": trusted}):
            response = Client().get("/ok/", headers={"Correlation-ID": GIVEN})
            assert (response["X-Correlation-ID"] == GIVEN) is chosen


def test_what_the_server_itself_tells_of_a_request_is_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """LOG_REQUEST_ID_HEADER names a key of request.META, of whatever kind."""
    monkeypatch.setattr(requesthead, "_accepted", ())
    for key, headers in (("UNIQUE_ID", ()), ("HTTP_X_CALL", ("X-CALL",))):
        theirs = type("RequestIDMiddleware", (), {"_get_request_id": lambda _: ""})
        settings = SimpleNamespace(LOG_REQUEST_ID_HEADER=key)
        module: Any = SimpleNamespace(RequestIDMiddleware=theirs, settings=settings)
        otherids.install_request_id(module)
        assert requesthead._accepted == headers


@pytest.mark.parametrize(("kit", "header"), KITS)
def test_the_line_of_a_failed_request_has_it_too(serve: Serve, kit: str, header: str) -> None:
    answer, lines = serve(kit).said("/boom/")
    errors = [line for line in lines if line.startswith("ERROR")]
    assert errors == [
        f"ERROR [{answer.headers['X-Correlation-ID']}] django.request Internal Server Error: /boom/"
    ]


def test_an_error_is_exported_though_our_line_of_it_is_left_out(serve: Serve) -> None:
    """django-log-request-id's own line says nothing of it."""
    service = serve("request_id")
    identifier = service.get("/boom/").headers["X-Correlation-ID"]

    def errors() -> list[Received]:
        records = [each for each in service.collector.logs() if each.raw.trace_id.hex() == identifier]
        return [each for each in records if each.raw.severity_text == "ERROR"]

    [error] = service.collector.wait_for(errors, "the error")
    assert error.body == "Internal Server Error: /boom/"
    assert error.attributes["error_message"] == "out of stock"


def test_what_only_we_can_tell_is_told_beside_a_kit_that_tells_of_requests(serve: Serve) -> None:
    """Our own pages are answered in front of its middleware."""
    service = serve("request_id")
    _, lines = service.said("/nowhere/")
    assert [line for line in parsed(lines) if line.get("event") == "request"] == []
    _, lines = service.said("/readyz", method="POST")
    assert [line["status"] for line in parsed(lines)] == [405]


def test_a_check_says_what_of_django_guid_can_be_removed(serve: Serve) -> None:
    found = serve("guid").checks()
    assert set(found) == {"django_observe.W006"}
    assert "django_guid.middleware.guid_middleware" in found["django_observe.W006"]
    assert "DJANGO_OBSERVE['CORRELATION_HEADER'] = 'Correlation-ID'" in found["django_observe.W006"]


def test_a_check_says_what_of_django_log_request_id_can_be_removed(serve: Serve) -> None:
    found = serve("request_id").checks()
    assert set(found) == {"django_observe.W006", "django_observe.W007"}
    assert "log_request_id.middleware.RequestIDMiddleware" in found["django_observe.W006"]
    assert "'X-Request-ID' keeps the header" in found["django_observe.W006"]
    assert "Remove LOG_REQUESTS" in found["django_observe.W007"]
    assert "move-from-django-guid.md" in found["django_observe.W007"]


def test_a_request_is_told_once_beside_django_log_request_id(serve: Serve) -> None:
    """LOG_REQUESTS has its own line written, and ours is left out until that is."""
    _, lines = serve("request_id").said("/orders/7/")
    assert [line for line in lines if "/orders/7/" in line and "status" in line] == [
        line for line in lines if "log_request_id.middleware method=GET path=/orders/7/ status=200" in line
    ]
    assert [line for line in parsed(lines) if line.get("event") == "request"] == []


def test_without_another_kit_no_check_has_anything_to_say(serve: Serve) -> None:
    assert serve("none").checks() == {}


def test_without_django_guid_clients_and_formats_see_what_they_saw(serve: Serve) -> None:
    """What the page of the move says in its last step."""
    service = serve("moved from guid")
    answer, lines = service.said("/orders/7/", Correlation_ID=GIVEN)
    assert answer.headers.get_all("Correlation-ID") == [GIVEN]
    assert "X-Correlation-ID" not in answer.headers
    assert f"INFO [{GIVEN}] shop order 7" in lines
    assert [line for line in lines if GIVEN not in line] == []
    assert service.checks() == {}
