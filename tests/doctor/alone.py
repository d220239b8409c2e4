"""`python -m django` where nobody is at the usual addresses, whatever runs on this machine."""

from __future__ import annotations

from unittest.mock import patch

from django.core.management import execute_from_command_line

from django_observe.doctor import backends, serviceurl
from django_observe.doctor.source import USUAL

NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""

if __name__ == "__main__":
    elsewhere = dict.fromkeys(USUAL, NOBODY)
    with patch.object(backends, "USUAL", elsewhere), patch.object(serviceurl, "USUAL", NOBODY):
        execute_from_command_line()
