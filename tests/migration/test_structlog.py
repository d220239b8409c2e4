"""django-structlog beside us: its lines have our ID, and no request is told by both."""

from __future__ import annotations

from tests.migration.conftest import Serve
from tests.migration.service import parsed


def test_its_lines_have_our_id(serve: Serve) -> None:
    answer, lines = serve("structlog").said("/orders/7/")
    identifier = answer.headers["X-Correlation-ID"]
    theirs = [line for line in parsed(lines) if "request_id" in line]
    assert (
        {line["request_id"] for line in theirs} == {line["correlation_id"] for line in theirs} == {identifier}
    )
    assert {line["event"] for line in theirs} >= {"request_started", "order 7", "bill 7", "request_finished"}


def test_a_request_is_told_by_it_alone(serve: Serve) -> None:
    _, lines = serve("structlog").said("/orders/7/")
    told = [line for line in parsed(lines) if "/orders/7/" in str(line)]
    assert sorted(line["event"] for line in told) == ["request_finished", "request_started"]


def test_where_it_is_not_heard_ours_is_written(serve: Serve) -> None:
    _, lines = serve("structlog", SILENT="1").said("/orders/7/")
    told = [line for line in parsed(lines) if "/orders/7/" in str(line)]
    assert [(line["event"], line["status"]) for line in told] == [("request", 200)]


def test_a_check_says_which_line_is_left_out_and_for_whose(serve: Serve) -> None:
    found = serve("structlog").checks()
    assert set(found) == {"django_observe.W007"}
    assert "DJANGO_STRUCTLOG_CELERY_ENABLED" in found["django_observe.W007"]
    assert serve("structlog", SILENT="1").checks() == {}


def test_structlog_without_it_has_its_lines_in_our_format(serve: Serve) -> None:
    """What the page of the move says in its last step; and nothing that was bound outlives its request."""
    service = serve("moved from structlog")
    answer, lines = service.said("/orders/17/")
    identifier = answer.headers["X-Correlation-ID"]
    told = {line["message"]: line for line in parsed(lines)}
    assert len(told) == len(lines) == 4
    assert (told["order 17"]["basket"], told["order 17"]["logger"], told["order 17"]["level"]) == (
        17,
        "shop",
        "INFO",
    )
    assert {line["correlation_id"] for line in told.values()} == {identifier}
    assert [line["event"] for line in told.values() if "event" in line] == ["task", "request"]
    _, after = service.said("/orders/18/")
    assert ["basket" in line for line in parsed(after) if line["message"] == "order 18"] == [False]
    assert service.checks() == {}
