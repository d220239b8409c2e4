"""Django's test environment, in processes that pytest is no part of: what is not even made there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_PROGRAM = """
import json, logging, os, sys
import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["django_observe"], DJANGO_OBSERVE=json.loads(sys.argv[1]))
django.setup()

def heard():
    return logging.getLogger("shop").isEnabledFor(logging.INFO)

found = [heard()]
from django.test import utils
utils.setup_test_environment()
found.append(heard())
utils.teardown_test_environment()
found.append(heard())
print(json.dumps(found))
"""


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        ({}, [True, False, True]),
        ({"LOG_FORMAT": "json"}, [True, True, True]),
        ({"LOG_LEVEL": "DEBUG"}, [True, True, True]),
        ({"LOGS": False}, [False, False, False]),
    ],
)
def test_info_lines_before_in_and_after_it(given: dict[str, object], heard: list[bool]) -> None:
    program = [sys.executable, "-c", _PROGRAM, json.dumps(given)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == heard
    assert not done.stderr
