"""The project's manage.py: `python -m tests.faults.project.manage emit`."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.project.settings")
    execute_from_command_line(sys.argv)
