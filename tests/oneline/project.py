"""A fresh `startproject` with the one line, and the ways to serve it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.oneline.environments import Environment

THE_ONE_LINE = 'INSTALLED_APPS += ["django_observe"]\n'
USERS_CODE = Path(__file__).parent / "shop"


def startproject(environment: Environment, parent: Path) -> Path:
    """An `untouched` one with the user's own code."""
    project = untouched(environment, parent)
    for source in USERS_CODE.glob("*.py"):
        shutil.copy(source, project / "shop" / source.name)
    return project


def untouched(environment: Environment, parent: Path) -> Path:
    """Runs `django-admin startproject shop` and adds the one line to its settings, nothing else."""
    variables = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    django_admin = environment.program("django-admin")
    subprocess.run([django_admin, "startproject", "shop"], cwd=parent, env=variables, check=True)
    with (parent / "shop/shop/settings.py").open("a") as settings:
        settings.write(THE_ONE_LINE)
    return parent / "shop"


def command(environment: Environment, server: str, port: int) -> list[str | Path]:
    """The command line of `server`, as its own documentation gives it."""
    bind = f"127.0.0.1:{port}"
    gunicorn: list[str | Path] = [environment.program("gunicorn"), "shop.wsgi", "--bind", bind]
    commands: dict[str, list[str | Path]] = {
        "runserver": [environment.program("python"), "manage.py", "runserver", bind],
        "gunicorn sync": gunicorn,
        "gunicorn gthread": [*gunicorn, "--worker-class", "gthread", "--threads", "4"],
        "gunicorn preload": [*gunicorn, "--preload"],
        "uvicorn": [environment.program("uvicorn"), "shop.asgi:application", "--port", str(port)],
    }
    return commands[server]


SERVERS = ("runserver", "gunicorn sync", "gunicorn gthread", "gunicorn preload", "uvicorn")
