"""The settings of a service; KIT names the kit it had before, OBSERVED whether it has the one line."""

import os

from tests.migration.project import kits

SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "tests.migration.project.urls"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]

FOLDER = os.environ.get("BROKER_FOLDER")
CELERY_TASK_ALWAYS_EAGER = FOLDER is None
CELERY_BROKER_URL = "filesystem://"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "data_folder_in": FOLDER,
    "data_folder_out": FOLDER,
    "control_folder": f"{FOLDER}/control",
    "polling_interval": 0.1,
}

kits.wire(os.environ["KIT"], globals())

if peers := os.environ.get("TRUSTED_PEERS"):
    DJANGO_OBSERVE = {"TRUSTED_PEERS": [peers]}
if os.environ.get("OBSERVED", "1") == "1":
    INSTALLED_APPS += ["django_observe"]
