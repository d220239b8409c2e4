"""The one line; FAULTS_SETTINGS and FAULTS_LOGGING are JSON, FAULTS_DATABASE a file, REDIS_URL the broker."""

import json
import os

DEBUG = os.environ.get("FAULTS_DEBUG") == "1"
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.faults.project.urls"
WSGI_APPLICATION = "tests.faults.project.wsgi.application"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("FAULTS_DATABASE", ":memory:"),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = ["tests.faults.project"]
INSTALLED_APPS += ["django_observe"]
DJANGO_OBSERVE = json.loads(os.environ.get("FAULTS_SETTINGS", "{}"))
LOGGING = json.loads(os.environ.get("FAULTS_LOGGING", "{}"))

CELERY_BROKER_URL = os.environ.get("REDIS_URL", "memory://")
CELERY_RESULT_BACKEND = os.environ.get("REDIS_URL", "cache+memory://")
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("TASK_QUEUE", "celery")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
