"""What the middleware does with a request: it begins an observation, and ends that with the answer."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from django_observe import endpoints, streaming
from django_observe.observation import Observation
from django_observe.reporting import guard

_guard = guard("middleware")


def begun(request: HttpRequest) -> tuple[endpoints.Endpoint | None, Observation | None]:
    """Our own page, if it is one of ours that is asked for, and the observation; None where that failed."""
    with _guard:
        own = endpoints.endpoint(request)
        return own, Observation(request, traced=own is None)
    return None, None


def answered(response: HttpResponseBase, observation: Observation, *, own: bool) -> HttpResponseBase:
    """Echoes the ID and ends the observation: now, or for a stream when its body ends.

    Our own answers (scrapes, probes) are told only when they fail.
    """
    with _guard:
        observation.echo(response)
    with _guard:
        if own and response.status_code < 400:  # noqa: PLR2004
            observation.forget()
        elif response.streaming:
            streaming.observe(cast("StreamingHttpResponse", response), observation)
        else:
            observation.end(response, bytes_out=len(cast("HttpResponse", response).content))
    return response
