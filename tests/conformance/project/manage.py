"""The project's manage.py, watched from outside: `python -m tests.conformance.project.manage tell KEY`."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")
    from tests.conformance.project import kit

    kit.trace()
    before = copy_context()
    execute_from_command_line(sys.argv)
    from tests.conformance.project.witness import left

    left(os.environ.get("ROW"), before)
