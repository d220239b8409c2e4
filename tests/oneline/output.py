"""What a program printed, read strictly: JSON lines, and nothing beside them but the server's own words."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

RUNSERVER = re.compile(
    r"$|Watching for file changes|Performing system checks|System check identified|\w+ \d{2}, \d{4} - "
    r"|Django version|Starting (WSGI )?development server|Quit the server|You have \d+ unapplied migration"
    r"|Run 'python manage.py migrate'|WARNING: This is a development server|For more information on prod"
)
"""What `runserver` prints itself, by print and not by logging."""

CELERY = re.compile(r"$|[ -]|\[(config|queues|tasks)\]|worker: (Warm|Hitting|Cold)")
"""The banner of `celery worker` and its last words, by print as well."""

SERVER_NOTICE = re.compile(r"$|\[[^]]+\] \[\d+\] \[INFO\] ")
"""What gunicorn says on stderr without `-c`: its master never loads the project's settings."""


def json_lines(stdout: str, banner: re.Pattern[str] = RUNSERVER) -> list[dict[str, Any]]:
    """The JSON lines of `stdout`; anything else in it than a banner fails the test."""
    return [_strict(line) for line in stdout.splitlines() if line.startswith("{") or not banner.match(line)]


def complaints(stderr: str) -> list[str]:
    """The lines of `stderr` that are neither a server's notice nor JSON below WARNING."""
    return [line for line in stderr.splitlines() if not (SERVER_NOTICE.match(line) or _is_calm(line))]


def _is_calm(line: str) -> bool:
    return line.startswith("{") and _strict(line)["level"] in {"DEBUG", "INFO"}


def _strict(line: str) -> dict[str, Any]:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON: {line}")

    try:
        parsed = json.loads(line, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise AssertionError(f"not a JSON line: {line!r}") from error
    assert isinstance(parsed, dict), line
    return parsed
