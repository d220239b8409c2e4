"""Where the service runs if nobody says: at the usual address, if it is this service that answers there."""

from __future__ import annotations

from typing import Final

from django_observe import conf
from django_observe.doctor import asking, exposed
from django_observe.doctor.fetching import FetchError
from django_observe.doctor.timelimit import OutOfTimeError
from django_observe.metricset import INFO
from django_observe.vocabulary import Label

USUAL: Final = asking.USUAL
UNNAMED: Final = "--url says where the service runs"


def usual() -> tuple[tuple[str, ...], str]:
    """The usual address, or none and why: another service of the house is not to be blamed on this one.

    It is asked without METRICS_TOKEN, as it may be anybody.
    """
    settings = conf.settings()
    if not settings.metrics or settings.metrics_path is None:
        return (), f"{UNNAMED}: without a metrics page it is not known who answers at {USUAL}"
    try:
        page = asking.ask(USUAL, settings.metrics_path).body
    except (FetchError, OutOfTimeError):
        return (), f"nobody at {USUAL}; {UNNAMED}"
    here, told = settings.service_name, exposed.samples_of(page).get(INFO.name)
    if not told:
        return (), f"{USUAL} shows nobody a metrics page of {here!r}; {UNNAMED}"
    there = told[0][0].get(Label.SERVICE, "")
    return (
        ((USUAL,), "") if there == here else ((), f"{USUAL} is of {there!r}; --url says where {here!r} runs")
    )
