"""Nothing secret leaves, nothing made from outside can stall, break or blow up what leaves."""

from __future__ import annotations

import builtins
import json
import logging
import sys
import time
from collections import namedtuple
from subprocess import CalledProcessError
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import global_settings
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory, override_settings
from django.views.debug import SafeExceptionReporterFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from django_observe import privacy, spantext
from django_observe.json import JsonFormatter
from django_observe.privacy import MASK, MAX_TEXT
from django_observe.querytext import scrub_query
from tests.hostiletexts import texts

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl"
Credentials = namedtuple("Credentials", "user password")  # noqa: PYI024 - as code has them
PEM = "-----BEGIN RSA PRIVATE KEY-----\ncanary\ncanary\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Cookie", "Set-Cookie", "password", "password2", "passwd", "secret", "token"),
        *("api_key", "apikey", "X-API-Key", "access_key", "accessToken", "private_key", "session"),
        *("sessionid", "csrftoken", "jwt", "DB_PASSWORD", "clientSecret", "credentials", "refresh-token"),
        *("pass", "db_pass", "auth", "basicAuth", "pin", "otp", "totp", "cvv", "cvv2", "cvc", "ssn", "sid"),
        *("connect.sid", "sig", "x-signature", "sentry_dsn", "card_number", "signing-key", "STRIPE_KEY"),
        *("DB_PASS", "API_KEY_ID", "CACHE_AUTH", "WEBHOOK_SIGNATURE", "HTTP_COOKIE", "PHPSESSID", "bearer"),
    ],
)
def test_keys_whose_values_are_masked(name: str) -> None:
    assert privacy.is_secret(name)
    assert privacy.safe({name: "canary"}) == {name: MASK}
    assert privacy.safe({name.encode(): ["canary"]}) == {name: MASK}
    assert privacy.named(name, "canary") == MASK
    assert privacy.named(name, None) is None


@pytest.mark.parametrize(
    "name",
    [
        *(
            "author",
            "key",
            "secretary",
            "keyboard",
            "user",
            "token_type",
            "max_size",
            "primary_key",
            "monkey",
        ),
        *("pin_board", "shipping", "signal", "side", "design", "passenger", "authority", "input_tokens"),
        *(
            "password_length",
            "session_status",
            "token_expires_in",
            "cookie_name",
            "tokenizer",
            "KEYBOARD",
            "id",
        ),
    ],
)
def test_keys_whose_values_stay(name: str) -> None:
    assert not privacy.is_secret(name)
    if not name.isupper():
        assert privacy.safe({name: "plain"}) == {name: "plain"}
        assert privacy.named(name, "plain") == "plain"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (("password", "canary"), ["password", MASK]),
        ([["authorization", b"canary"], [b"host", b"h"]], [["authorization", MASK], ["host", "h"]]),
        ({"headers": [(b"cookie", b"canary")]}, {"headers": [["cookie", MASK]]}),
        ({"name": "token", "value": "canary"}, {"name": "token", "value": MASK}),
        ([{"Value": "canary", "Key": "db_pass"}], [{"Value": MASK, "Key": "db_pass"}]),
        (["sell", "--password", "canary", "x"], ["sell", "--password", MASK, "x"]),
        (["password", "email", "name"], ["password", "email", "name"]),
        ({"name": "a token of love", "value": 5}, {"name": "a token of love", "value": 5}),
        ({"query_string": b"canary&a=canary"}, {"query_string": f"{MASK}&a={MASK}"}),
        ({"QUERY_STRING": "canary"}, {"QUERY_STRING": MASK}),
        ({"number": 4111111111111111, "id": 4111111111111112}, {"number": MASK, "id": 4111111111111112}),
        ({"a": {"b": [{"pin": 1234}]}}, {"a": {"b": [{"pin": MASK}]}}),
        ({"body": '{"pin": 1234}'}, {"body": '{"pin": "[redacted]"}'}),
        (Credentials("ada", "canary"), {"user": "ada", "password": MASK}),
        (urlsplit("https://ada:canary@h/a?b=canary"), f"https://{MASK}@h/a?b={MASK}"),
        (
            str(urlsplit("https://ada:canary@h/a")),
            f"SplitResult(scheme='https', netloc='{MASK}@h', path='/a', query='', fragment='')",
        ),
        (
            {"field": "password", "old": "canary", "new": "canary"},
            {"field": "password", "old": MASK, "new": MASK},
        ),
        (
            [str(CalledProcessError(1, ["psql", "--password", "canary"]))],
            ["Command '['psql', '--password', '[redacted]']' returned non-zero exit status 1."],
        ),
    ],
)
def test_structures_that_hold_secrets(value: Any, shown: Any) -> None:
    assert privacy.safe(value) == shown
    assert privacy.safe(shown) == shown


def test_what_django_hides_in_settings_is_hidden() -> None:
    """Held against Django's own filter, for the names of its settings and of a project's."""
    cleanse = SafeExceptionReporterFilter().cleanse_setting
    given = {
        "SOCIAL": {"google": {"key": "canary", "id": "shown"}},
        "SIGNATURE": "canary",
        "KEY": "canary",
        "CHANNEL_LAYERS": {"default": {"CONFIG": {"symmetric_encryption_keys": ["canary"]}}},
    }
    if "AUTH" in SafeExceptionReporterFilter.hidden_settings.pattern:  # not in Django 4.2's
        given["REST_FRAMEWORK"] = {"AUTH_HEADER": "canary", "PAGE_SIZE": 5}
    for name, value in given.items():
        hidden = cleanse(name, value)
        shown = privacy.safe({name: value})[name]
        assert "canary" not in str(hidden)
        assert str(shown) == str(hidden).replace(SafeExceptionReporterFilter.cleansed_substitute, MASK)
        assert str(privacy.named(name, value)) == str(shown)
    hidden = {name for name in dir(global_settings) if name.isupper() and cleanse(name, "x") != "x"}
    told = {name for name in hidden if privacy.named(name, "x") != MASK}
    harmless = {"VALIDATORS", "MODEL", "PREFIX", "TIMEOUT"}  # AUTH_USER_MODEL where Django hides AUTH
    assert {name.rpartition("_")[2] for name in told} == harmless.intersection(
        name.rpartition("_")[2] for name in hidden
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("has_password", True), ("password", ""), ("cookies", {}), ("tokens", 1534), ("n_tokens", 5)),
        *(("tokens_used", 5), ("max_new_tokens", 512), ("active_sessions", 12), ("token_bucket", 3)),
        *(("cookies", 3), ("tokens", 0.5), ("API_TIMEOUT", 30), ("KEYCLOAK_HOST", "h"), ("RAPID_MODE", "on")),
    ],
)
def test_what_holds_no_secret_stays_under_its_name(name: str, value: Any) -> None:
    assert privacy.named(name, value) == value
    assert privacy.safe({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"), [("pin", 1234), ("otp", 123456), ("tokens", "abc"), ("tokens", 10**12)]
)
def test_a_number_may_be_a_secret(name: str, value: Any) -> None:
    assert privacy.named(name, value) == MASK
    assert privacy.safe({name: value}) == {name: MASK}


def test_an_environment_is_masked_by_name() -> None:
    shown = privacy.safe({"STRIPE_KEY": "canary", "DB_PASS": "canary", "HOME": "/root"})
    assert shown == {"STRIPE_KEY": MASK, "DB_PASS": MASK, "HOME": "/root"}


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("http.request.header.authorization", ["canary"], MASK),
        ("card.pin", 1234, MASK),
        ("payload", b"password=canary", b"password=[redacted]"),
        ("payload", b"\xff\x00", b"\xff\x00"),
        ("process.command_args", ("sell", "--token", "canary"), ["sell", "--token", MASK]),
        ("gen_ai.usage.input_tokens", 12, 12),
        ("number", 4111111111111111, MASK),
        ("retries", 3, 3),
    ],
)
def test_attributes_of_spans_are_scrubbed_by_key_and_value(key: str, value: Any, shown: Any) -> None:
    assert spantext.cleaned(key, value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12345678901, MASK),
        (-12345678901, f"-{MASK}"),
        (12345678901.0, MASK),
        (12345678901.5, f"{MASK}.5"),
        (55512345, f"555{MASK}"),
        ({"nid": 12345678901}, {"nid": MASK}),
        ({12345678901: "x"}, {MASK: "x"}),
        (("a", 3, 12345678901), ["a", 3, MASK]),
        ([{"of": (1.5, 12345678901.0)}], [{"of": [1.5, MASK]}]),
    ],
)
def test_patterns_of_a_project_hold_for_numbers(value: Any, shown: Any) -> None:
    patterns = [r"\b\d{11}\b", r"\b555(\d{5})\b"]
    assert shown not in (privacy.safe(value), spantext.cleaned("of", value))
    with override_settings(DJANGO_OBSERVE={"SCRUB_PATTERNS": patterns}):
        assert privacy.safe(value) == privacy.named("of", value) == shown
        assert spantext.cleaned("of", value) == shown


@pytest.mark.parametrize("extra", [{"nid": 12345678901}, {"nid": (12345678901.0,)}, None])
@override_settings(DJANGO_OBSERVE={"SCRUB_PATTERNS": [r"\b\d{11}\b"]})
def test_a_line_holds_no_number_that_a_pattern_finds(extra: dict[str, Any] | None) -> None:
    record = logging.makeLogRecord({"msg": "sold", **extra} if extra else {"msg": {"nid": 12345678901}})
    line = JsonFormatter().format(record)
    assert "12345678901" not in line
    assert MASK in line


@pytest.mark.parametrize("value", [0, 3, -1, 2**63, 0.25, 1e300, 1234567890123, True, None])
@override_settings(DJANGO_OBSERVE={"SCRUB_PATTERNS": [r"\b\d{11}\b"]})
def test_numbers_in_which_no_pattern_finds_anything_stay_numbers(value: Any) -> None:
    assert privacy.safe(value) == (str(value) if value == 2**63 else value)
    assert type(privacy.safe([value])[0]) is (str if value == 2**63 else type(value))


@override_settings(DJANGO_OBSERVE={"SCRUB_KEYS": ["iban", "tax-number"]})
def test_a_project_adds_key_names() -> None:
    assert privacy.safe({"IBAN": "x", "tax_number": 5}) == {"IBAN": MASK, "tax_number": MASK}
    assert privacy.scrub_text("iban=DE02 tax-number: 7") == "iban=[redacted] tax-number: [redacted]"


@override_settings(DJANGO_OBSERVE={"SCRUB_KEYS": ["--"]})
def test_a_key_without_letters_is_no_part_of_every_name() -> None:
    assert privacy.safe({"iban": "x"}) == {"iban": "x"}


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
    assert scrub_query(query) == shown
    assert scrub_query(shown) == shown


def test_a_query_string_is_capped() -> None:
    assert scrub_query("&".join(f"p{number}=1" for number in range(9_999))).count("&") == 63


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


def test_a_stack_keeps_its_code_and_hides_its_literals() -> None:
    def token_of(name: str) -> str:
        raise KeyError(name)

    def login() -> None:
        password = token_of("password=canary")
        raise RuntimeError(password)

    with pytest.raises(KeyError) as caught:
        login()
    stack = privacy.failure_of(caught.value).stack
    assert '    password = token_of("[redacted]")\n' in stack
    assert stack.endswith("    raise KeyError(name)\nKeyError: 'password=[redacted]'")
    assert "canary" not in stack


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


def test_a_failure_whose_text_lies_is_read_as_what_it_is() -> None:
    class Liar(str):
        __slots__ = ()

        def __len__(self) -> int:
            return 1

    class LyingError(Exception):
        def __str__(self) -> str:
            return Liar("password=canary " + "x" * 99_999)

    told = privacy.failure_of(LyingError())
    assert told.message.startswith("password=[redacted] x")
    assert type(told.message) is str
    assert len(told.message) <= 4_096
    assert len(told.stack) <= MAX_TEXT
    assert len(privacy.safe(LyingError())) <= 4_096


def test_bytes_that_lie_are_read_as_what_they_are() -> None:
    class Liar(bytes):
        def __getitem__(self, _index: Any) -> Any:
            return bytes(9_999)

    assert privacy.safe(Liar(b"password=canary")) == "password=[redacted]"
    assert privacy.safe(bytearray(b"pin=1")) == "pin=[redacted]"


def test_of_many_causes_the_nearest_are_told() -> None:
    error: BaseException = ValueError("the first")
    for number in range(5_000):
        later = ValueError(f"number {number}, password=canary")
        later.__cause__ = error
        error = later
    told = privacy.failure_of(error)
    assert told.stack.startswith("[more than 32 causes]\nValueError: number 4968, password=[redacted]\n\n")
    assert told.stack.endswith("ValueError: number 4999, password=[redacted]")
    assert told.stack.count("During handling") == 31


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with Python 3.11")
def test_of_a_large_group_of_exceptions_itself_is_told() -> None:
    group = vars(builtins)["ExceptionGroup"]("many", [ValueError(str(number)) for number in range(5_000)])
    assert (
        privacy.failure_of(group).stack == "[more than 32 causes]\nExceptionGroup: many (5000 sub-exceptions)"
    )


def test_a_recursion_keeps_the_end_of_its_stack() -> None:
    def recurse() -> None:
        recurse()

    with pytest.raises(RecursionError) as caught:
        recurse()
    failure = privacy.failure_of(caught.value)
    assert failure.stack.rstrip().endswith(failure.message)
    assert len(failure.stack) <= MAX_TEXT


def test_wide_values_are_bounded_in_size_and_time() -> None:
    value: Any = "x" * 1_000
    for _ in range(6):
        value = [value] * 1_000
    started = time.perf_counter()
    size = len(json.dumps(privacy.safe(value)))
    assert time.perf_counter() - started < 5
    assert size < 100_000


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
    once = scrub_query(text)
    assert scrub_query(once) == once
