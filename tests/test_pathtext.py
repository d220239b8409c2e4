"""What is told of a path: the project's own words, and of a client's those that nobody can be known by."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path, re_path, resolve
from hypothesis import given, settings
from hypothesis import strategies as st

from django_observe import knownsecrets
from django_observe.pathtext import HIDDEN, MAX_PATH, path_of, scrub_path
from django_observe.testing import captured
from django_observe.urltext import scrub_url
from tests import views

UUID = "6f1c0f6e-0a52-4c1e-9d0c-1f0e3c1b2a4d"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("path", "route", "told"),
    [
        ("/", "/", "/"),
        ("/orders/", "orders/", "/orders/"),
        ("/v2.1/orders-3/", "v2.1/orders-3/", "/v2.1/orders-3/"),
        ("/metrics9", "/metrics9", "/metrics9"),
        ("/orders/7/", "orders/<int:pk>/", "/orders/7/"),
        (f"/orders/{UUID}/", "orders/<uuid:pk>/", f"/orders/{UUID}/"),
        ("/orders/1234567890123456789/", "orders/<int:pk>/", "/orders/<pk>/"),
        ("/users/ada@example.com/orders/17/", "users/<email>/orders/<int:pk>/", "/users/<email>/orders/17/"),
        ("/files/a/b/c.txt", "files/<path:name>", "/files/<name>"),
        ("/reset/MQ/canary/", "reset/<uidb64>/<token>/", "/reset/<uidb64>/<token>/"),
        ("/invite/1234/", "invite/<int:invite_token>/", "/invite/<invite_token>/"),
        ("/a/1/b/x1/", "a/<int:pk>/b/<pk>/", "/a/1/b/<pk>/"),
        ("/old/canary/", r"^old/(?P<slug>[a-z]+)/$", "/old/<slug>/"),
        ("/old/17/", r"^old/(?P<slug>\w+)/$", "/old/17/"),
        ("/old/c4/17/", r"^old/(\w+)/(\w+)/$", "/old/<0>/17/"),
        ("/old/c4/", r"^old/\w+/$", "/old/<segment>/"),
        ("/old/c4/tail4", r"^old/(\w+)", "/old/<0>/<segment>"),
        ("/articles/page-2/", r"^articles/(page-(?P<n>\d+)/)?$", "/articles/<0>"),
        ("/articles/", r"^articles/(page-(?P<n>\d+)/)?$", "/articles/"),
        ("/api/3/x/c4", r"api/<int:version>/x/(?P<name>\w+)$", "/api/3/x/<name>"),
        ("/x/c4/c4", r"^x/(?P<a>\w+)/(?P=a)$", r"/^x/(?P<a>\w+)/(?P=a)$"),
        ("/orders/", "^orders/$", "/orders/"),
        ("/verify/123456/", r"^verify/((?P<pin>\d{6}))/$", "/verify/<pin>/"),
        ("/reset/t-c4/", r"^reset/(t-(?P<token>\w+))/$", "/reset/t-<token>/"),
        ("/d4/", r"^(?:d4e5|\w+)/$", "/<segment>/"),
        ("/d4e5/", r"^(?:d4e5|\w+)/$", "/d4e5/"),
        ("/c++/5/", "c++/<int:pk>/", "/c++/5/"),
        ("/100%/5/", "100%/<int:pk>/", "/100%/5/"),
        ("/x/C4/", r"^x/(?i)(?P<name>\w+)/$", r"/^x/(?i)(?P<name>\w+)/$"),
    ],
)
def test_a_matched_path_is_told_by_its_route(path: str, route: str, told: str) -> None:
    assert scrub_path(path, route) == told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/wp-login.php", "/wp-login.php"),
        ("/api/v1/orders/17", "/api/v1/orders/17"),
        (f"/orders/{UUID}/", f"/orders/{UUID}/"),
        ("/reset/c4n4ry/", "/reset/<segment>/"),
        (f"/verify/{JWT}", "/verify/<segment>"),
        ("/users/ada@example.com", "/users/<segment>"),
        ("/4242424242424242424", "/<segment>"),
        ("/" + "a" * 33, "/<segment>"),
        ("/x\ud800", "/<segment>"),
        ("//double//", "//double//"),
        ("", ""),
    ],
)
def test_where_no_route_matched_plain_words_and_numbers_are_told(path: str, told: str) -> None:
    assert scrub_path(path) == scrub_path(path, "unmatched") == told
    assert scrub_path(told) == told


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["slug"], "/shop/red-shoes-42/<who>/<token>/"),
        (["s*"], "/shop/red-shoes-42/<who>/<token>/"),
        (["*"], "/shop/red-shoes-42/ada@example.com/<token>/"),
        (["segment"], "/shop/<slug>/<who>/<token>/"),
        (["token"], "/shop/<slug>/<who>/<token>/"),
    ],
)
def test_a_project_lists_what_is_told_but_never_secrets(listed: list[str], told: str) -> None:
    with override_settings(DJANGO_OBSERVE={"PATH_PARAMETERS": listed}):
        route = "shop/<slug:slug>/<who>/<token>/"
        assert scrub_path("/shop/red-shoes-42/ada@example.com/c4/", route) == told


@pytest.mark.parametrize(("listed", "told"), [(["s*"], "/nowhere/<segment>"), (["segment"], "/nowhere/c4")])
def test_segments_without_a_route_are_listed_by_their_whole_name(listed: list[str], told: str) -> None:
    with override_settings(DJANGO_OBSERVE={"PATH_PARAMETERS": listed}):
        assert scrub_path("/nowhere/c4") == told


@override_settings(DJANGO_OBSERVE={"PATH_PARAMETERS": ["*"]})
def test_a_group_around_a_secret_is_not_told_even_if_it_is_listed() -> None:
    assert scrub_path("/reset/t-c4/x4/", r"^reset/(t-(?P<token>\w+))/(\w+)/$") == "/reset/t-<token>/x4/"


@override_settings(DJANGO_OBSERVE={"SCRUB_PATTERNS": [r"\b[0-9]{11}\b"]})
def test_a_projects_patterns_hold_for_paths() -> None:
    assert scrub_path("/people/12345678901/", "people/<int:pk>/") == "/people/[redacted]/"
    assert scrub_path("/people/12345678901/") == "/people/[redacted]/"
    assert scrub_path("/people/1234567890/", "people/<int:pk>/") == "/people/1234567890/"


def test_this_processes_own_secrets_are_not_told_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_API_KEY", "correct-horse-battery")
    monkeypatch.setattr(knownsecrets, "_known", None)
    try:
        assert scrub_path("/nope/correct-horse-battery/") == "/nope/[redacted]/"
    finally:
        monkeypatch.undo()


def test_the_number_of_a_card_is_not_told() -> None:
    assert scrub_path("/cards/4242424242424242/", "cards/<int:number>/") == "/cards/[redacted]/"
    assert scrub_path("/tweets/1234567890123456/", "tweets/<int:pk>/") == "/tweets/1234567890123456/"


@override_settings(DJANGO_OBSERVE={"PATH_PARAMETERS": ["*"]})
def test_paths_may_be_told_whole_though_not_what_looks_like_a_secret() -> None:
    assert scrub_path("/nowhere/c4/ada@example.com") == "/nowhere/c4/ada@example.com"
    assert scrub_path(f"/verify/{JWT}") == "/verify/[redacted]"
    assert scrub_path("/files/a/b4.txt", "files/<path:name>") == "/files/a/b4.txt"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40), st.text(max_size=60))
def test_no_path_and_no_route_raises_or_tells_a_segment_of_letters_and_digits(path: str, route: str) -> None:
    shown = scrub_path(f"/{path}/canary0canary", route)
    assert len(shown) <= MAX_PATH
    assert "canary0canary" not in shown
    assert HIDDEN in scrub_path(f"/{path[:9]}/canary0canary")


def view(request: HttpRequest, **_: object) -> Any:
    return views.ok(request)


inner = [re_path(r"^(?P<name>\w+)/$", view), path("<int:pk>/<slug:slug>/", view)]
urlpatterns = [
    path("shops/<slug:shop>/", include(inner)),
    re_path(r"^k/(\w+)/$", lambda request, _: view(request)),
    path("orders/<int:pk>/", view),
    path("users/<name>/", view),
]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/shops/ada-4/c4n4ry/", "/shops/<shop>/<name>/"),
        ("/shops/ada-4/7/c4n4ry/", "/shops/<shop>/7/<slug>/"),
        ("/k/c4n4ry/", "/k/<0>/"),
        ("/nowhere/c4n4ry/?c4n4ry=c4n4ry", "/nowhere/<segment>/"),
    ],
)
def test_lines_and_spans_of_nested_routes_have_it(asked: str, told: str) -> None:
    with override_settings(ROOT_URLCONF=__name__), captured() as telemetry:
        Client().get(asked)
    [line] = [line for line in telemetry.lines if line.get("event") == "request"]
    [span] = [
        span for span in telemetry.spans if span.attributes and "http.request.method" in span.attributes
    ]
    assert line["path"] == told
    assert (span.attributes or {})["url.path"] == told
    assert f"GET {told} " in line["message"]


@pytest.mark.parametrize(
    ("script", "asked", "told"),
    [
        ("/shop", "/orders/7/", "/shop/orders/7/"),
        ("/tenant4", "/orders/7/", "/<segment>/orders/7/"),
        ("/tenant4", "/users/ada/", "/<segment>/users/<name>/"),
    ],
)
def test_the_prefix_that_a_server_serves_the_project_under(script: str, asked: str, told: str) -> None:
    request = RequestFactory(SCRIPT_NAME=script).get(asked)
    assert request.path == script + asked
    request.resolver_match = resolve(request.path_info, urlconf=__name__)
    assert path_of(request) == told
    request.path = "/elsewhere4/"
    assert path_of(request) == "/" + request.resolver_match.route, "a path that was changed on the way"


def test_a_request_that_was_not_resolved_yet_has_a_path_too() -> None:
    assert path_of(RequestFactory().get("/reset/c4/")) == "/reset/<segment>/"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "https://ada:pw@api.example:8443/users/c4/7?page=2&c4#c4",
            "https://[redacted]@api.example:8443/users/<segment>/7?page=[redacted]&[redacted]",
        ),
        ("http://h/p#c4", "http://h/p"),
        ("http://h", "http://h"),
        ("/users/c4?x=1", "/users/<segment>?x=[redacted]"),
        ("//h/c4", "//h/<segment>"),
        ("", ""),
    ],
)
def test_a_url_is_told_without_user_values_and_fragment(url: str, told: str) -> None:
    assert scrub_url(url) == told
    assert scrub_url(told) == told
