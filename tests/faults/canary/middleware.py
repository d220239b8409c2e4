"""The project's own middleware, whose exceptions hold canaries too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from tests.faults.canary.breaking import refuse, survived
from tests.faults.canary.values import own, witness


class Planting:
    """Breaks below /<outcome>/middleware/; sees paths that no route has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answers."""
        parts = request.path.split("/")
        if "unmatched" in parts:
            witness("path segment: unmatched", parts[1], parts[-1] or parts[-2])
        if parts[2:3] == ["middleware"]:
            self._break(parts[1])
        return self._get_response(request)

    def _break(self, outcome: str) -> None:
        value = own("exception args: middleware", outcome)
        witness("exception args: middleware", outcome, value)
        with survived(unless=outcome == "error"):
            refuse(value)
