"""Tasks of known number: what was done is to be told."""

from __future__ import annotations

import logging
import time

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded

LIMIT = 1

logger = logging.getLogger("faults")


@shared_task
def work(seconds: float = 0, number: int = 0) -> int:
    """Takes that long, and says so in one log record; answers its number."""
    time.sleep(seconds)
    logger.info("worked %d", number)
    return number


class Unhurried:
    """Its text takes longer than the task may."""

    def __str__(self) -> str:
        time.sleep(60 * LIMIT)
        return "at last"


@shared_task(soft_time_limit=LIMIT)
def log_unhurriedly() -> str:
    """Is within a log call when its soft time limit strikes; answers where the exception came."""
    try:
        logger.info("%s", Unhurried())
    except SoftTimeLimitExceeded:
        return "in time"
    return "never told"


@shared_task
def talk(lines: int, size: int) -> None:
    """Says so many lines of that many characters."""
    for number in range(lines):
        logger.info("%d %s", number, "x" * size)
