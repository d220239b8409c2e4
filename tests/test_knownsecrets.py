"""What a process masks because it knows it: its own passwords, keys and tokens."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from time import process_time
from typing import Any, NoReturn

import pytest
from django.conf import UserSettingsHolder, global_settings
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from django_observe import conf, knownsecrets, reporting
from django_observe.secretnames import MASK

SETTINGS = {
    "SECRET_KEY": "dj-Zq81\"back\\slash'ok",
    "SECRET_KEY_FALLBACKS": ["older-Zq82-older"],
    "EMAIL_HOST_PASSWORD": b"mail-Zq83-mail",
    "REPLICAS": {
        "default": {
            "NAME": "warehouse",
            "USER": "warehouse",
            "PASSWORD": "p@ss/Zq84",
            "OPTIONS": {"sslpassword": "ssl-Zq85"},
        },
        "second": {"NAME": "reports", "USER": "Zq-reader", "PASSWORD": "reports"},
    },
    "STORES": {"default": {"LOCATION": ["redis://:cache-Zq86@cache:6379/0", "redis://plain:6379/0"]}},
    "CELERY_BROKER_URL": "amqp://shop:br%40ker-Zq87@mq//;amqp://shop:second-Zq88@mq2//",
    "SENTRY_DSN": "https://0123456789abcdefZq89@sentry.example/1",
    "STRIPE": {"apiKeys": {"test": "sk-Zq90-test"}},
    "DJANGO_OBSERVE": {"METRICS_TOKEN": "metrics-Zq91"},
    "SIMPLE_JWT": {"SIGNING_KEY": "signing-Zq92", "ALGORITHM": "HS256-Zq93", "TYPE_CLAIM": "token_type"},
    "URGENT_ROUTING_KEY": "orders.urgent",
    "API_TOKENS": {"basketcase": "basketcase"},
    "SHORT_TOKEN": "Zq94567",
    "PASSWORD_HASHERS": ["shop.hashers.Zq95Hasher"],
    "TOKEN_URL": "https://auth.example/Zq96token",
    "REPORTS_PASSWORD": "warehouse",
    "LOCKER_PASSWORD": "sunflower",
    "PIN_PASSWORD": "20481632",
}
SECRETS = [
    *("dj-Zq81\"back\\slash'ok", "older-Zq82-older", "mail-Zq83-mail", "p@ss/Zq84", "ssl-Zq85"),
    *("cache-Zq86", "br%40ker-Zq87", "br@ker-Zq87", "second-Zq88", "0123456789abcdefZq89", "sk-Zq90-test"),
    *("metrics-Zq91", "signing-Zq92", "sunflower", "20481632", "variable-Zq97", "url-Zq98"),
]
OPEN = [
    *("Zq94567", "shop.hashers.Zq95Hasher", "https://auth.example/Zq96token", "HS256-Zq93", "Zq-reader"),
    *(
        "token_type",
        "orders.urgent",
        "basketcase",
        "warehouse",
        "reports",
        "/run/secrets/Zq99-file",
        "order 120481632",
        "at 20481632123456",
        "django.contrib.sessions.backends.db",
        "sessionid",
    ),
]


pytestmark = pytest.mark.filterwarnings("ignore:The EMAIL_HOST_PASSWORD setting is deprecated")
"""Django 6.1 says so to who sets it; who only looks for secrets must not be told."""


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PAYMENT_API_KEY", "variable-Zq97")
    monkeypatch.setenv("SEARCH", "https://user:url-Zq98@search:9200")
    monkeypatch.setenv("DB_PASSWORD_FILE", "/run/secrets/Zq99-file")
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # it has the secrets as names of tests
    monkeypatch.setattr(knownsecrets, "_known", None)
    with override_settings(**SETTINGS):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            knownsecrets.masked("")
        yield


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_of_this_process_is_masked_wherever_it_stands(secret: str) -> None:
    assert knownsecrets.masked(f"it said {secret}, twice: {secret}!") == f"it said {MASK}, twice: {MASK}!"


@pytest.mark.parametrize("value", OPEN)
def test_what_only_tells_of_secrets_or_is_a_name_stays(value: str) -> None:
    assert knownsecrets.masked(f"it said {value}") == f"it said {value}"


@pytest.mark.parametrize("written", ["{0!r}", "{0!a}"])
def test_however_it_is_written(written: str) -> None:
    text = written.format({"password": "p@ss/Zq84", "key": SETTINGS["SECRET_KEY"]})
    assert "Zq8" not in knownsecrets.masked(text)
    assert "Zq8" not in knownsecrets.masked("https://db/?next=p%40ss%2FZq84")


def test_the_number_is_bounded() -> None:
    with override_settings(API_KEYS=[f"number-{number:05d}-key" for number in range(1_000)]):
        assert len(knownsecrets._secrets()) <= 4 * knownsecrets.MAX_SECRETS


def test_an_empty_secret_key_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(SECRET_KEY=""):
        monkeypatch.setattr(knownsecrets, "_known", None)
        assert knownsecrets.masked("variable-Zq97") == MASK


def test_a_setting_that_cannot_be_read_costs_no_line_and_no_other_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Flags(list[str]):
        def __iter__(self) -> Iterator[str]:
            raise RuntimeError("the database is not there")

    monkeypatch.setattr(conf, "django_settings", Settings(FLAGS=Flags(), LATER_PASSWORD="later-Zq71"))
    monkeypatch.setattr(knownsecrets, "_known", None)
    assert knownsecrets.masked("later-Zq71 variable-Zq97") == f"{MASK} {MASK}"


class Settings(UserSettingsHolder):
    """Settings, one of which is read when it is asked for, from where nothing answers."""

    configured = True

    def __init__(self, **given: object) -> None:
        super().__init__(global_settings)
        self.__dict__.update(given)
        self._wrapped = self

    def __dir__(self) -> list[str]:
        return ["DEBUG", *super().__dir__()]

    @property
    def LIVE_FLAGS(self) -> str:  # noqa: N802 - a setting's name
        raise RuntimeError("the database is not there")


def test_no_setting_is_called_to_see_what_it_is() -> None:
    def connect() -> NoReturn:
        raise AssertionError("connected by a log line")

    with override_settings(CLIENT=SimpleLazyObject(connect), LATER_PASSWORD="later-Zq71"):
        counted = reporting.failures()
        assert "later-Zq71" in knownsecrets._secrets()
        assert reporting.failures() == counted


FAN: list[Any] = []
FAN.extend([FAN, {"again": FAN}] * 30)


@pytest.mark.parametrize(
    "large",
    [
        [f"word-{number}.example" for number in range(200_000)],
        {f"place-{number}": {"name": "a place", "points": [1, 2]} for number in range(100_000)},
        FAN,
    ],
    ids=["a block list", "a dict of dicts", "a list in itself"],
)
def test_the_size_of_a_setting_does_not_hold_up_the_first_line(large: Any) -> None:
    with override_settings(ALLOWED=large, LATER_PASSWORD="later-Zq71"):
        started = process_time()
        assert "later-Zq71" in knownsecrets._secrets()
        assert process_time() - started < 5
