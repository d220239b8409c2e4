"""One service, under the kit that the environment names."""

import os

from tests.conformance.project.kit import KIT

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.conformance.project.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("CONFORMANCE_DATABASE", ":memory:"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tests.conformance.project"]

CELERY_BROKER_URL = os.environ.get("BROKER_URL", "memory://")
CELERY_RESULT_BACKEND = os.environ.get("RESULT_URL", "cache+memory://")
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("TASK_QUEUE", "celery")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

if KIT == "ours":
    INSTALLED_APPS += ["django_observe"]
else:
    from tests.conformance.project import hand

    hand.wire(globals())
