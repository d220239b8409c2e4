"""One line in a fresh project with a Celery application as Celery's pages have it: tasks are observed too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oneline.broker import redis
from tests.oneline.environments import Environment
from tests.oneline.output import CELERY, complaints, json_lines
from tests.oneline.service import Service, served, working


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with redis() as url:
        yield url


@dataclass(frozen=True)
class Shop:
    """The web server and the worker of one project."""

    web: Service
    worker: Service

    def order(self, number: int) -> str:
        """Has the web server hand a task to the worker; the correlation ID of that request."""
        answer = self.web.get(f"/order/{number}/")
        assert answer.status == 200, answer.text
        return answer.headers["X-Correlation-ID"]


@pytest.fixture(scope="module", params=["prefork", "threads"])
def shop(
    request: pytest.FixtureRequest, django_environment: Environment, project: Path, broker: str
) -> Iterator[Shop]:
    variables = {"CELERY_BROKER_URL": broker}
    with (
        served(django_environment, "gunicorn sync", project, variables) as web,
        working(django_environment, request.param, project, variables) as worker,
    ):
        yield Shop(web, worker)


def test_the_task_line_carries_the_id_of_the_request(shop: Shop) -> None:
    line = shop.worker.line(shop.order(7), event="task")
    assert (line["task"], line["state"], line["service"]) == ("shop.celery.bill", "SUCCESS", "shop")


def test_the_projects_own_line_in_the_task_carries_it_too(shop: Shop) -> None:
    line = shop.worker.line(shop.order(8), message="basket 8 was billed")
    assert (line["level"], line["logger"]) == ("INFO", "shop.celery")


def test_the_worker_counts_its_tasks_on_a_port_of_its_own(shop: Shop) -> None:
    before = shop.worker.sample("celery_task_succeeded_total", name="shop.celery.bill")
    for number in range(3):
        shop.worker.line(shop.order(number), event="task")
    shop.worker.process.wait_for(
        lambda: shop.worker.sample("celery_task_succeeded_total", name="shop.celery.bill") == before + 3,
        "three more tasks on the worker's metrics page",
    )


def test_all_of_the_workers_output_is_json_and_nothing_complains(shop: Shop) -> None:
    shop.worker.line(shop.order(9), event="task")
    assert json_lines(shop.worker.process.stdout, CELERY)
    assert complaints(shop.worker.process.stderr) == []
