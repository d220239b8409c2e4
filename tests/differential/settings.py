"""The project both sides run; ours has the one line, upstream its own instrumentors (see sides.py)."""

import os

OURS = os.environ["SIDE"] == "ours"

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["testserver", "[::1]"]
ROOT_URLCONF = "tests.differential.urls"
MIDDLEWARE = ["tests.differential.urls.failing"]
USE_TZ = True
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "postgresql": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ["POSTGRESQL_PORT"],
        "USER": "demo",
        "NAME": "shop",
        "OPTIONS": {"options": f"-c search_path={os.environ['SIDE']}"},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.sessions"]
DJANGO_OBSERVE = {
    "CLIENT_IP": "address",
    "USER_AGENT": True,
    "WORKER_METRICS_PORT": None,
    "LOG_LEVEL": "ERROR",
}
"""Ours tells as much of the client as upstream does; what the defaults leave out has a row of its own."""

if OURS:
    INSTALLED_APPS += ["django_observe"]
