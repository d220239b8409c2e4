"""`/readyz` of a fresh project with Celery, while its Redis is there, away, and back."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

from demo_services.ports import free_port
from tests.oneline.broker import redis
from tests.oneline.environments import Environment
from tests.oneline.service import Service, served
from tests.processes import wait_until


def test_ready_as_long_as_the_broker_is_there(django_environment: Environment, project: Path) -> None:
    port = free_port()
    with ExitStack() as broker:
        url = broker.enter_context(redis(port))
        with served(django_environment, "gunicorn sync", project, {"CELERY_BROKER_URL": url}) as service:
            assert answered(service) == (200, {"database": "ok", "cache": "ok", "broker": "ok"})
            broker.close()
            failed = (503, {"database": "ok", "cache": "ok", "broker": "failed"})
            wait_until(lambda: answered(service) == failed, "the verdict that the broker is away")
            broker.enter_context(redis(port))
            wait_until(lambda: answered(service)[0] == 200, "the answer that all is well again")


def answered(service: Service) -> tuple[int, dict[str, str]]:
    """The status of the page and of each check on it."""
    answer = service.get("/readyz")
    checks = json.loads(answer.text)["checks"]
    return answer.status, {name.partition(":")[0]: check["status"] for name, check in checks.items()}
