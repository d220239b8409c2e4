"""The one line, every log level on, canaries in the settings. CANARY_LOGGING=own: a LOGGING."""

import os

from tests.faults.canary import broken
from tests.faults.canary.values import own

_REDIS = os.environ["REDIS_URL"]

SECRET_KEY = own("settings: SECRET_KEY")
EMAIL_HOST_PASSWORD = own("settings: EMAIL_HOST_PASSWORD")
SHOP = {"gateway": {"token": own("settings: a dict of the project's own")}}
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.faults.canary.urls"
WSGI_APPLICATION = "tests.faults.canary.wsgi.application"
ASGI_APPLICATION = "tests.faults.canary.asgi.application"
MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tests.faults.canary.middleware.Planting",
]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["CANARY_DATABASE"],
        "PASSWORD": own("settings: DATABASES"),
    }
}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _REDIS},
    "locked": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _REDIS.replace("://", f"://shop:{own('settings: CACHES')}@"),
    },
}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "tests.faults.canary",
    "django_observe",
]
DJANGO_OBSERVE = {"LOG_LEVEL": "DEBUG", "METRICS_TOKEN": own("settings: METRICS_TOKEN"), **broken.SETTINGS}
if os.environ.get("CANARY_LOGGING") == "own":
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "django_observe.json.JsonFormatter"}},
        "handlers": {
            "out": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}
        },
        "root": {"handlers": ["out"], "level": "DEBUG"},
        "loggers": {
            name: {"handlers": ["out"], "level": "DEBUG", "propagate": False}
            for name in ("uvicorn", "uvicorn.access")
        },
    }

CELERY_BROKER_URL = _REDIS
CELERY_RESULT_BACKEND = _REDIS
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("TASK_QUEUE", "celery")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_RESULT_EXTENDED = True
