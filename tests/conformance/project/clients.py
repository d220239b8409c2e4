"""A project's tests, as far as they ask views: by Django's test clients, in this process.

    python -m tests.conformance.project.clients Client|AsyncClient KEY HEADERS

asks a view and a streaming view, with HEADERS (a JSON object).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextvars import copy_context
from typing import Any

import django
from django.conf import settings

from tests.conformance.project.kit import KIT, trace


def ask(key: str, headers: dict[str, str]) -> None:
    from django.test import Client

    from tests.conformance.project.witness import left

    before = copy_context()
    Client().get("/django/sync/", {"key": key}, headers=headers)
    answer: Any = Client().get("/django/streams/sync/", {"key": key, "steps": "1"}, headers=headers)
    answer.getvalue()
    left(key, before)


async def aask(key: str, headers: dict[str, str]) -> None:
    from django.test import AsyncClient

    from tests.conformance.project.witness import left

    before = copy_context()
    await AsyncClient().get("/django/async/", {"key": key}, headers=headers)
    answer: Any = await AsyncClient().get(
        "/django/streams/async/", {"key": key, "steps": "1"}, headers=headers
    )
    async for _ in answer.streaming_content:
        pass
    left(key, before)


def main(client: str, key: str, headers: dict[str, str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.conformance.project.settings")
    trace()
    if KIT == "ours":  # asked for on purpose, lines are printed in a test environment too
        settings.DJANGO_OBSERVE = {**getattr(settings, "DJANGO_OBSERVE", {}), "LOG_FORMAT": "json"}
    django.setup()
    from django.test.utils import setup_test_environment

    setup_test_environment()
    if client == "Client":
        ask(key, headers)
    else:
        asyncio.run(aask(key, headers))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
