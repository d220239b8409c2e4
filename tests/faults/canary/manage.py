"""The project's manage.py: `python -m tests.faults.canary.manage plant`; it logs what a command raises."""

import logging
import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.canary.settings")
    try:
        execute_from_command_line(sys.argv)
    except ConnectionError:  # else Python prints it as it is
        logging.getLogger("canary").exception("the command failed")
        sys.exit(1)
