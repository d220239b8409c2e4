"""The settings of the tests' Celery project, with the console among its backends."""

import os

from tests.celeryproject.settings import *  # noqa: F403 - they are these and one more

DJANGO_OBSERVE = {"BACKENDS": {"console": os.environ["CONSOLE"]}}
