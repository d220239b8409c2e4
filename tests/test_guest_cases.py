"""What big projects' own test suites found, each as the smallest case of it."""

from __future__ import annotations

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
