"""The hop of the canary's metric: the service has counted its request, and an exemplar may name its trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import Final, NamedTuple

from django_observe import conf
from django_observe.doctor import arrival, asking
from django_observe.doctor.canary import Canary
from django_observe.doctor.exposed import OPENMETRICS, read
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import NOT_CONFIGURED, OK, Finding
from django_observe.metricset import HTTP_REQUESTS_BEFORE, INFO, SCRAPE_INCOMPLETE

HOP: Final = "service's metric"
FAMILY: Final = HTTP_REQUESTS_BEFORE.total
WAIT_SECONDS: Final = 2.0
"""A request is counted when it ends, which may be after its answer was read."""


class Count(NamedTuple):
    """What a page says of the requests so far."""

    number: float
    page: str


def of(url: str) -> Count | None:
    """None where no page of ours can be read, or it is one worker's alone: the hop of the page says why."""
    settings = conf.settings()
    if not settings.metrics or settings.metrics_path is None:
        return None
    try:
        answer = read(url, settings.metrics_path, OPENMETRICS)
    except FetchError:
        return None
    page = answer.body.decode("utf-8", "replace")
    if answer.status != HTTPStatus.OK or f"\n{INFO.name}{{" not in f"\n{page}":
        return None
    if _value(SCRAPE_INCOMPLETE.name, page):
        return None
    return Count(_value(FAMILY, page), page)


def examine(canary: Canary) -> Iterator[Finding]:
    """Looks for the canary's request in the counter that was read before it was sent."""
    if not canary.urls:
        yield Finding(HOP, NOT_CONFIGURED, canary.nowhere)
    for url in canary.urls:
        if url in canary.answered and url in canary.counted:
            yield _told(url, canary)
        else:
            says = f"{asking.address(url)} has not shown what it had counted before the canary"
            yield Finding(HOP, NOT_CONFIGURED, says)


def _told(url: str, canary: Canary) -> Finding:
    address, before = asking.address(url), canary.counted[url]
    after = arrival.awaited(partial(_more, url, before), canary, WAIT_SECONDS)
    if not after:
        says = f"{address} answered the canary, and its page shows no more requests than before"
        return Finding(HOP, NOT_CONFIGURED, f"{says}: several instances may be behind it; --url of one tells")
    says = f"{before:.0f} requests before, {after.number:.0f} after"
    if f'trace_id="{canary.trace_id}"' in after.page:
        says = f"{address} has counted the canary: {says}; an exemplar names its trace"
    else:
        says = f"{address} counts requests: {says} the canary"
    return Finding(HOP, OK, says)


def _more(url: str, before: float) -> Count | None:
    count = of(url)
    return count if count is not None and count.number > before else None


def _value(name: str, page: str) -> float:
    """Of a sample without labels; 0 where it is not there yet."""
    found = re.search(rf"^{name} ([0-9.e+]+)", page, re.MULTILINE)
    return float(found[1]) if found else 0.0
