"""django-prometheus beside us, alone, and removed: the same series, each counted once."""

from __future__ import annotations

from tests.migration.conftest import Serve
from tests.migration.service import Series

COUNTED = [
    ("django_http_requests_before_middlewares_total", {}, 2),
    ("django_http_requests_total_by_method_total", {"method": "GET"}, 2),
    ("django_http_requests_total_by_view_transport_method_total", {"view": "order", "method": "GET"}, 1),
    ("django_http_responses_total_by_status_view_method_total", {"view": "order", "status": "200"}, 1),
    ("django_http_requests_latency_seconds_by_view_method_count", {"view": "order", "method": "GET"}, 1),
    ("django_http_responses_body_total_bytes_count", {}, 2),
    ("django_db_execute_total", {"alias": "default", "vendor": "sqlite"}, 1),
    ("django_cache_get_total", {"backend": "locmem"}, 1),
]
"""Of each of its parts: what one request adds to it, and where its view is not told, the next scrape too."""


def test_a_request_is_counted_once_beside_it(serve: Serve) -> None:
    service = serve("prometheus")
    before = service.samples()
    service.get("/orders/7/")
    after = service.samples()
    grown = [
        (name, labels, _sum(after, name, labels) - _sum(before, name, labels)) for name, labels, _ in COUNTED
    ]
    assert grown == COUNTED


def test_without_it_the_same_series_are_there(serve: Serve) -> None:
    """All that it had of one request, with every label; there may be more."""
    theirs, ours = serve("prometheus", OBSERVED="0"), serve("none")
    for service in (theirs, ours):
        service.get("/orders/7/")
    had = {series for series in theirs.samples() if _is_of_the_request(series)}
    assert len(had) > 50
    assert had - ours.samples().keys() == set()


def test_a_check_names_all_that_can_be_removed(serve: Serve) -> None:
    found = serve("prometheus").checks()
    assert set(found) == {"django_observe.W002"}
    message = found["django_observe.W002"]
    for part in (
        "django_prometheus.middleware.PrometheusBeforeMiddleware",
        "django_prometheus.middleware.PrometheusAfterMiddleware",
        "django_prometheus.db.backends.sqlite3 in DATABASES['default']",
        "django_prometheus.cache.backends.locmem.LocMemCache in CACHES['default']",
        "its URLs",
        "ExportModelOperationsMixin in project.Order",
    ):
        assert part in message


def _sum(samples: dict[Series, float], name: str, labels: dict[str, str]) -> float:
    return sum(
        value
        for (sample, found), value in samples.items()
        if sample == name and labels.items() <= dict(found).items()
    )


def _is_of_the_request(series: Series) -> bool:
    """Not of the scrapes, which are requests to it, the interpreter, or models, none of which was saved."""
    name, labels = series
    return (
        name.startswith("django_")
        and not name.startswith("django_model_")
        and dict(labels).get("view", "order") == "order"
    )
