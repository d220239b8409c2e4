"""Nothing secret leaves, nothing made from outside can stall, break or blow up what leaves."""

from __future__ import annotations

import json
import time
from types import MappingProxyType
from typing import Any

import pytest
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory, override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from django_observe import privacy
from django_observe.privacy import MASK, MAX_TEXT

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\ncanary\ncanary\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=canary", "password=[redacted]"),
        ("passwd: canary, user: ada", "passwd: [redacted], user: ada"),
        ("PASSWORD = 'two words'", "PASSWORD = [redacted]"),
        ("connect(password='canary', port=5)", "connect(password=[redacted], port=5)"),
        ("connect(password=canary)", "connect(password=[redacted])"),
        ("{'db_password': 'canary', 'b': 1}", "{'db_password': [redacted], 'b': 1}"),
        ('{"access_token": "canary"}', '{"access_token": [redacted]}'),
        ('"{\\"secret\\": \\"canary\\"}"', '"{\\"secret\\": [redacted]}"'),
        ("{'token': b'canary'}", "{'token': [redacted]}"),
        ("secret => canary", "secret => [redacted]"),
        ("/pay?token=canary&page=2", "/pay?token=[redacted]&page=[redacted]"),
        ("<WSGIRequest: GET '/x?q=canary@b&t=1'>", "<WSGIRequest: GET '/x?q=[redacted]&t=[redacted]'>"),
        ("<WSGIRequest: GET '/x?canary'>", "<WSGIRequest: GET '/x?[redacted]'>"),
        ("""<WSGIRequest: GET "/x?q=o'canary">""", '<WSGIRequest: GET "/x?q=[redacted]">'),
        ("Not Found: /x/?q=o'canary&r=2", "Not Found: /x/?q=[redacted]&r=[redacted]"),
        ("GET https://shop.example/a?mail=canary#at", "GET https://shop.example/a?mail=[redacted]"),
        ("(see https://shop.example/a?canary).", "(see https://shop.example/a?[redacted])."),
        ('{"a":"/x?q=canary","b":"/y?canary","c":1}', '{"a":"/x?q=[redacted]","b":"/y?[redacted]","c":1}'),
        ("got ?q=canary", "got ?q=[redacted]"),
        (f"/{'x' * 400}?canary", f"/{'x' * 400}?[redacted]"),
        ("X-Api-Key: canary", "X-Api-Key: [redacted]"),
        ("client-secret=canary", "client-secret=[redacted]"),
        ("AWS_SECRET_ACCESS_KEY=canary", "AWS_SECRET_ACCESS_KEY=[redacted]"),
        ("sessionid=canary; theme=dark", "sessionid=[redacted]; theme=dark"),
        ("csrftoken=canary", "csrftoken=[redacted]"),
        ("Authorization: Bearer canary-canary", "Authorization: [redacted]"),
        ("Authorization: Digest username=a, response=canary\nnext", "Authorization: [redacted]\nnext"),
        ("Cookie: a=canary; b=canary", "Cookie: [redacted]"),
        ("Set-Cookie: a=canary", "Set-Cookie: [redacted]"),
        ("sent bearer abc.def-ghi to it", "sent bearer [redacted] to it"),
        ("sent Basic YWRhOmNhbmFyeQ== to it", "sent Basic [redacted] to it"),
        (f"token is {JWT}.", "token is [redacted]."),
        ("postgres://ada:canary@db:5432/shop", "postgres://[redacted]@db:5432/shop"),
        ("redis://:can@ry@cache/0", "redis://[redacted]@cache/0"),
        (f"key {PEM} end", "key [redacted] end"),
        (PEM[:60], "[redacted]"),
        (f"private_key={PEM}", "private_key=[redacted]"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    assert privacy.scrub_text(text) == shown
    assert privacy.scrub_text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Forbidden (CSRF token missing.): /pay/",
        "the secretary: Ada",
        "basic tests passed",
        "token_count: 5",
        "https://shop.example:8000/a/mail=a@b",
        "Really? Yes: a=b? c=d",
        "did you mean /orders/?",
        "(is it /orders/?), and/or?maybe",
        "SELECT a FROM b WHERE c=? AND d = ?",
        r're.compile(r"https?://(?P<name>[a-z]+)/?$|(?=x)")',
        "author=Ada",
        "it took 12:30",
        "the bearer of news",
    ],
)
def test_plain_text_stays(text: str) -> None:
    assert privacy.scrub_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Cookie", "Set-Cookie", "password", "password2", "passwd", "secret", "token"),
        *("api_key", "apikey", "X-API-Key", "access_key", "accessToken", "private_key", "session"),
        *("sessionid", "csrftoken", "jwt", "DB_PASSWORD", "clientSecret", "credentials", "refresh-token"),
    ],
)
def test_keys_whose_values_are_masked(name: str) -> None:
    assert privacy.is_secret(name)
    assert privacy.safe({name: "canary"}) == {name: MASK}


@pytest.mark.parametrize("name", ["author", "key", "secretary", "keyboard", "user", "token_type", "max_size"])
def test_keys_whose_values_stay(name: str) -> None:
    assert privacy.safe({name: "plain"}) == {name: "plain"}


@override_settings(DJANGO_OBSERVE={"SCRUB_KEYS": ["iban", "tax-number"]})
def test_a_project_adds_key_names() -> None:
    assert privacy.safe({"IBAN": "x", "tax_number": 5}) == {"IBAN": MASK, "tax_number": MASK}
    assert privacy.scrub_text("iban=DE02 tax-number: 7") == "iban=[redacted] tax-number: [redacted]"


def test_project_keys_do_not_outlive_their_setting() -> None:
    assert privacy.safe({"iban": "x"}) == {"iban": "x"}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("q=ada&page=2", "q=[redacted]&page=[redacted]"),
        ("canary", "[redacted]"),
        ("a=1&canary&b[]=2", "a=[redacted]&[redacted]&b[]=[redacted]"),
        ("can%20ary=1&x=", "[redacted]=[redacted]&x=[redacted]"),
        ("=canary", "[redacted]=[redacted]"),
    ],
)
def test_of_a_query_string_only_plain_names_are_left(query: str, shown: str) -> None:
    assert privacy.scrub_query(query) == shown
    assert privacy.scrub_query(shown) == shown


def test_a_query_string_is_capped() -> None:
    assert privacy.scrub_query("&".join(f"p{number}=1" for number in range(9_999))).count("&") == 63


@pytest.mark.parametrize(
    ("path", "route", "shown"),
    [
        ("/orders/7/", "orders/<int:pk>/", "/orders/7/"),
        ("/reset/MQ/canary/", "reset/<uidb64>/<token>/", "/reset/<uidb64>/<token>/"),
        ("/invite/canary/", "invite/<slug:invite_token>/", "/invite/<slug:invite_token>/"),
        (f"/verify/{JWT}", "", "/verify/[redacted]"),
        ("/x\ud800", "", "/x\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_path_is_shown_unless_its_route_captures_a_secret(path: str, route: str, shown: str) -> None:
    assert privacy.scrub_path(path, route) == shown


def test_request_headers_are_masked_key_by_key() -> None:
    headers = RequestFactory().get("/", headers={"authorization": "canary", "x-tenant": "acme"}).headers
    shown = privacy.safe(headers)
    assert shown["Authorization"] == MASK
    assert shown["X-Tenant"] == "acme"
    assert privacy.safe(MappingProxyType({"password": "canary"})) == {"password": MASK}
    assert privacy.safe(QueryDict("password=canary&a=1")) == {"password": MASK, "a": "1"}


def test_a_request_in_the_making_does_not_break() -> None:
    assert privacy.safe(HttpRequest()) == "<HttpRequest None >"


def test_a_failure_is_scrubbed_capped_and_never_shows_locals() -> None:
    password = "canary"

    def fail() -> None:
        raise RuntimeError(f"cannot log in with password={password}: " + "x" * 99_999)

    with pytest.raises(RuntimeError) as caught:
        fail()
    failure = privacy.failure_of(caught.value)
    assert failure.type == "RuntimeError"
    assert failure.message.startswith("cannot log in with password=[redacted]")
    assert len(failure.message) <= 4_096
    assert len(failure.stack) <= MAX_TEXT
    assert failure.stack.startswith("Traceback")
    assert "canary" not in failure.stack.replace('password = "canary"', "")


def test_failures_of_every_kind_are_told() -> None:
    class UnprintableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    told = privacy.failure_of(UnprintableError())
    assert told.type.endswith("test_failures_of_every_kind_are_told.<locals>.UnprintableError")
    assert told.message == "[unreadable]"
    never_raised = privacy.failure_of(KeyError("k"))
    assert (never_raised.type, never_raised.message) == ("KeyError", "'k'")
    assert never_raised.stack == "KeyError: 'k'"


def test_a_recursion_keeps_the_end_of_its_stack() -> None:
    def recurse() -> None:
        recurse()

    with pytest.raises(RecursionError) as caught:
        recurse()
    failure = privacy.failure_of(caught.value)
    assert failure.stack.rstrip().endswith(failure.message)
    assert len(failure.stack) <= MAX_TEXT


@pytest.mark.parametrize("before", range(12_250, 12_330))
def test_a_secret_at_the_cut_is_masked_too(before: int) -> None:
    text = "x" * before + " password=canary0canary " + "y" * 99_999
    mirrored = "x" * 99_999 + " password=canary0canary " + "y" * before
    for shown in map(privacy.scrub_text, (text, mirrored)):
        assert len(shown) == MAX_TEXT
        assert "nary" not in shown


def test_wide_values_are_bounded_in_size_and_time() -> None:
    value: Any = "x" * 1_000
    for _ in range(6):
        value = [value] * 1_000
    started = time.perf_counter()
    size = len(json.dumps(privacy.safe(value)))
    assert time.perf_counter() - started < 5
    assert size < 100_000


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "eyJ",
            "eyJa",
            "eyJaaaaa.",
            "://",
            "://a",
            "://a@",
            "password",
            "password:",
            'password="',
            "token\\\\",
        ),
        *(
            "basic ",
            "basic aaaaaaa ",
            "bearer ",
            "-----BEGIN PRIVATE KEY-----",
            "cookie: ",
            "cookie",
            "a",
            "=",
        ),
        *("session_id", "secret ", "secret_", 'b\\\\"', "[redacted]", "\ud800", "password=[", "secret-----"),
        *("?", "?a", "/", "/?", "?a=", "/x?a=b&", "'/x?a", "/x?a ", "?a=]", "/x?[redacted]"),
    ],
)
def test_no_text_takes_long_to_scrub(piece: str) -> None:
    """Some 20 ms are measured for the worst; a quadratic pattern would take minutes."""
    text = piece * (1_000_000 // len(piece))
    started = time.perf_counter()
    shown = privacy.scrub_text(text)
    assert time.perf_counter() - started < 5
    assert len(shown) <= MAX_TEXT


texts = st.one_of(
    st.text(),
    st.text(alphabet=st.characters(codec=None)),
    st.lists(
        st.sampled_from(
            [
                *(
                    "password",
                    "token",
                    "cookie",
                    "authorization",
                    "bearer ",
                    "basic ",
                    "eyJ",
                    "://",
                    "@",
                    "=",
                ),
                *(":", " ", '"', "'", "\\", "[redacted]", ")", "]", ",", ";", "abcdef", "A1", ".", "-", "\n"),
                *("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "[cut]", "b", "=>", "&", "_"),
                *("?", "/", "/x?", "(", "{", "'/a?b", "#", "?a=", "<", ">"),
            ]
        )
    ).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(texts)
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = privacy.scrub_text(text)
    assert privacy.scrub_text(once) == once
    once.encode()


@settings(max_examples=200, deadline=None)
@given(texts, st.sampled_from(["password={}", "Cookie: {}", "'token': '{}'", "Bearer {}", "https://u:{}@h/"]))
def test_a_secret_does_not_survive_beside_any_text(text: str, form: str) -> None:
    shown = privacy.scrub_text(f"{text}\n{form.format('canary0CANARY')} {text}")
    assert "canary0CANARY" not in shown


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.binary()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(texts, inner)),
        max_leaves=30,
    )
)
def test_a_safe_value_is_json_and_stays_what_it_is(value: Any) -> None:
    once = privacy.safe(value)
    assert privacy.safe(once) == once
    json.dumps(once, allow_nan=False).encode()


@settings(max_examples=100, deadline=None)
@given(texts)
def test_a_query_is_scrubbed_once(text: str) -> None:
    once = privacy.scrub_query(text)
    assert privacy.scrub_query(once) == once
