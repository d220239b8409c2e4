"""A small Django project; by its configuration bare, assembled by hand, or with the one line."""

from tests.benchmarks.cost.configurations import chosen

SECRET_KEY = "only for measurements" * 3
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.benchmarks.cost.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True

INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]

CELERY_BROKER_URL = "memory://"
CELERY_TASK_IGNORE_RESULT = True

if chosen().assembly == "ours":
    INSTALLED_APPS += ["django_observe"]
    DJANGO_OBSERVE = chosen().options
if chosen().assembly == "hand":
    from tests.benchmarks.cost.hand import wire

    wire(globals())
