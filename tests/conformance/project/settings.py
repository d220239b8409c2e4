"""One service, under the kit that the environment names."""

import json
import os

from tests.conformance.project.kit import KIT
from tests.conformance.project.page import PAGE

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.conformance.project.urls"
MIDDLEWARE = [
    "tests.conformance.project.middlewares.Meddling",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.conformance.project.hooks.Hooks",
    "tests.conformance.project.middlewares.Conditional",
    "tests.conformance.project.middlewares.Csrf",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [("django.template.loaders.locmem.Loader", {"page.html": PAGE})],
            "libraries": {"witness": "tests.conformance.project.templatetags"},
            "context_processors": ["tests.conformance.project.templatetags.processor"],
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CONFORMANCE_DATABASE", ":memory:"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "rest_framework.authtoken",
    "tests.conformance.project",
]

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "memory://")
CELERY_RESULT_BACKEND = os.environ.get("RESULT_URL", "cache+memory://")
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("TASK_QUEUE", "celery")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

if KIT == "ours":
    INSTALLED_APPS += ["django_observe"]
    DJANGO_OBSERVE = {
        "USER_ID": "id",
        "TASK_TRACE": {"*.troubletasks.linked": "link", "*.troubletasks.anew": "new"},
        **json.loads(os.environ.get("CONFORMANCE_SETTINGS", "{}")),
    }
else:
    from tests.conformance.project import hand

    hand.wire(globals())
