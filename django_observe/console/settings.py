"""Django settings of the console's own process; never those of the project it observes."""

import secrets
from pathlib import Path

SECRET_KEY = secrets.token_urlsafe(32)  # signs nothing that outlives the process
DEBUG = False
ALLOWED_HOSTS = ["*"]  # security.py checks the Host header itself, earlier and more strictly
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["django_observe.console.security.guard_listener"]
ROOT_URLCONF = "django_observe.console.page_urls"
DATABASES: dict[str, dict[str, str]] = {}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "builtins": ["django_observe.console.formatting"],
        },
    }
]
USE_TZ = True
USE_I18N = False
TIME_ZONE = "UTC"
LOGGING_CONFIG = None
APPEND_SLASH = False
