"""How many migrations a database has had: rarely asked, never by a request of the project."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from django.test import Client

START = """
import os, sys, time, django
from django.conf import settings
FOLDER = sys.argv[1]
SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
OURS = {"default": {**SQLITE, "NAME": FOLDER + "/db"}}

def start(databases=OURS, **more):
    settings.configure(**{"ROOT_URLCONF": "tests.urls", "ALLOWED_HOSTS": ["*"], "DATABASES": databases,
        "DJANGO_OBSERVE": {"LOGS": False},
        "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "django_observe"], **more})
    django.setup()

def migrate(*arguments):
    from django.core.management import call_command
    call_command("migrate", *arguments, verbosity=0)

def page():
    from django.test import Client
    lines = Client().get("/metrics").content.decode().splitlines()
    return sorted(line for line in lines if line.startswith("django_migrations_"))

def later():
    from django_observe import migrationstate
    migrationstate._asked -= migrationstate.EVERY_SECONDS
"""


def python(program: str, folder: Path) -> list[str]:
    """The lines a fresh interpreter prints for START and `program`."""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "-c", START + program, str(folder)],
        env={**environment, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


COUNTED = """
start()
print(page(), os.listdir(FOLDER))
migrate("auth", "0003")
later()
print(page())
migrate()
print(page())
later()
print(page())
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
later()
with CaptureQueriesContext(connection) as captured:
    Client().get("/ok/")
    page()
print(captured.captured_queries)
"""


def counted(applied: int, unapplied: int) -> str:
    return str(
        [
            f'django_migrations_applied_total{{connection="default"}} {applied}.0',
            f'django_migrations_unapplied_total{{connection="default"}} {unapplied}.0',
        ]
    )


def test_they_are_counted_at_most_once_a_minute_by_connections_of_their_own(tmp_path: Path) -> None:
    assert python(COUNTED, tmp_path) == [
        "[] []",
        counted(4, 10),
        counted(4, 10),
        counted(14, 0),
        "[]",
    ]


SEVERAL = """
start({**OURS, "legacy": {**SQLITE, "NAME": FOLDER + "/legacy"}, "memory": {**SQLITE, "NAME": ":memory:"},
    "away": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": sys.stdin.readline(),
             "NAME": "a", "USER": "b"}})
open(FOLDER + "/legacy", "w").close()
migrate()
started = time.monotonic()
print(page())
print(1 <= time.monotonic() - started < 5)
later()
print(page())
"""


def test_a_database_that_hangs_costs_a_moment_and_its_own_numbers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        program = SEVERAL.replace("sys.stdin.readline()", str(silent.getsockname()[1]))
        first, quick, second = python(program + "sys.stdout.flush(); os._exit(0)", tmp_path)
    assert (first, quick, second) == (counted(14, 0), "True", counted(14, 0))


THEIRS = """
migrated = {"PROMETHEUS_EXPORT_MIGRATIONS": True}
start(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_prometheus",
    "django_observe"], **migrated)
print(page())
migrate()
later()
print(page())
settings.DJANGO_OBSERVE = {"METRICS_MIGRATIONS": False}
from django_observe import conf
conf.settings.cache_clear()
print(page())
"""


def test_django_prometheus_own_export_gives_way_to_fresher_numbers(tmp_path: Path) -> None:
    (tmp_path / "db").touch()
    assert python(THEIRS, tmp_path) == [counted(0, 14), counted(14, 0), counted(0, 14)]


def test_a_database_in_memory_is_not_asked() -> None:
    assert "django_migrations_applied_total{" not in Client().get("/metrics").content.decode()


ANOTHERS = """
class Router:
    def allow_migrate(self, db, app_label, **hints):
        return db == "default"
start({**OURS, "legacy": {**SQLITE, "NAME": FOLDER + "/legacy"}})
migrate("--database=legacy", "auth", "0003")
from django.db import router
router.routers = [Router()]
migrate()
print(page())
"""


def test_another_services_database_is_not_counted(tmp_path: Path) -> None:
    assert python(ANOTHERS, tmp_path) == [counted(14, 0)]


TESTED = """
start()
migrate()
from django.test.utils import setup_test_environment
setup_test_environment()
print(page())
"""


def test_a_projects_tests_find_their_databases_untouched(tmp_path: Path) -> None:
    assert python(TESTED, tmp_path) == ["[]"]
