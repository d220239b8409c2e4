"""What big projects' own test suites found, each as the smallest case of it."""

from __future__ import annotations

import logging

import pytest
from django.core import checks
from django.test import override_settings


@pytest.mark.parametrize(
    "logging", [{"version": 1, "disable_existing_loggers": True}, {"version": 1}], ids=["asked", "default"]
)
def test_checks_find_nothing_in_settings_that_are_not_ours(logging: dict[str, object]) -> None:
    """django-debug-toolbar's tests compare all of `run_checks()`; others run `--fail-level WARNING`."""
    with override_settings(LOGGING=logging):
        assert checks.run_checks() == []


def test_caplog_holds_the_same_records_as_without_us(caplog: pytest.LogCaptureFixture) -> None:
    """The root logger stays at Python's own level: a project's INFO lines are no news to its exact lists."""
    with override_settings(DJANGO_OBSERVE={}):
        logging.getLogger("shop").info("not without us")
        logging.getLogger("shop").warning("always")
    assert [record.getMessage() for record in caplog.records] == ["always"]
