"""Django settings of the console's own process; never those of the project it observes."""

import secrets
from pathlib import Path

SECRET_KEY = secrets.token_urlsafe(32)  # signs nothing that outlives the process
DEBUG = False
ALLOWED_HOSTS = ["*"]  # security.py checks the Host header itself, earlier and more strictly
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["django_observe.console.security.guard_listener", "django.middleware.csrf.CsrfViewMiddleware"]
CSRF_COOKIE_NAME = "observe_csrf"  # browsers send cookies to all ports of a host: not the project's own name
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_AGE = None  # until the browser ends
CSRF_FAILURE_VIEW = "django_observe.console.page.forged"
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
TIME_ZONE = None  # else Django sets the zone of the process, and no time would be local
LOGGING_CONFIG = None
APPEND_SLASH = False
