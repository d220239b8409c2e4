"""The hop of the clocks: machines that disagree show effects before their causes."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from time import time

from django_observe import conf, otlphttp
from django_observe.doctor import asking, otlplook
from django_observe.doctor.canary import Canary
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, OK, Finding

HOP = "clock"
TOLERATED = 2.0
"""Seconds. A Date has none below the second, and an answer takes its time."""
LOOK_SECONDS = 3.0


def examine(canary: Canary) -> Iterator[Finding]:
    """Compares this machine's clock with the Date of each service's answer, and of the collector's."""
    skews = {where: skew for where, skew in _skews(canary) if skew is not None}
    if not skews:
        yield Finding(HOP, NOT_CONFIGURED, "nobody has answered whose clock could be compared")
        return
    off = {where: skew for where, skew in skews.items() if abs(skew) > TOLERATED}
    for where, skew in off.items():
        yield Finding(
            HOP,
            BROKEN,
            f"{where} is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine",
            cause="one of the two keeps no time: spans and lines of both stand in the wrong order, "
            "and waits in queues come out wrong",
            change="timedatectl set-ntp true    # on the one that timedatectl timesync-status finds off",
        )
    if not off:
        yield Finding(HOP, OK, f"within {TOLERATED:.0f} s of {', '.join(skews)}")


def _skews(canary: Canary) -> Iterator[tuple[str, float | None]]:
    for url in canary.urls:
        began = time()
        try:
            answer = asking.ask(url, conf.settings().live_path or asking.PATH)
        except FetchError:
            continue
        yield asking.address(url), _skew(answer.headers.get("Date"), began)
    endpoint = otlphttp.url("traces")
    if conf.exports("traces") and endpoint:
        began = time()
        seen = otlplook.look("traces", endpoint, canary, LOOK_SECONDS)
        if seen.headers is not None:
            yield asking.address(endpoint), _skew(seen.headers.get("Date"), began)


def _skew(date: str | None, began: float) -> float | None:
    """Seconds that the other clock is ahead; 0 while its Date lies within the time the exchange took."""
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return None
    earliest, latest = told - time(), told + 1 - began
    return max(earliest, 0.0) + min(latest, 0.0)
