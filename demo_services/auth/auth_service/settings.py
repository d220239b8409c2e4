"""Settings of the auth service; everything that differs between machines comes from the environment."""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url

from auth_service.signing import load_or_create_key

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_STATE = Path(os.environ.get("DEMO_STATE", BASE_DIR.parents[1] / ".demo"))
STATE_DIR = DEMO_STATE / "auth"
STATE_DIR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "auth-development-only-key-not-for-production")
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

INSTALLED_APPS = [
    "django_observe",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "accounts",
    "demo_services.faults",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
ROOT_URLCONF = "auth_service.urls"
WSGI_APPLICATION = "auth_service.wsgi.application"

DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{STATE_DIR / 'db.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}

_signing_key = load_or_create_key(STATE_DIR / "signing_key.pem")
SIMPLE_JWT = {
    "ALGORITHM": "RS256",
    "SIGNING_KEY": _signing_key.private_pem,
    "VERIFYING_KEY": _signing_key.public_pem,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "ISSUER": "auth",
    "AUDIENCE": "demo",
}
JWKS = {"keys": [_signing_key.jwk]}

FAULTS = {
    "instance": os.environ.get("DEMO_INSTANCE", "auth"),
    "dependencies": ("database",),
    "tasks": False,
}

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
