"""The settings of a healthy project; a test plants others by PLANTED_SETTINGS, as JSON."""

import json
import os

from tests.settings import *  # noqa: F403 - the tests' project, with what is planted

globals().update(json.loads(os.environ.get("PLANTED_SETTINGS", "{}")))
