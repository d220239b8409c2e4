"""`/faults`: GET shows the switches, PUT sets those it is given (JSON or a form), DELETE switches all off."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, QueryDict

from demo_services.faults.board import NotAllowedError, board
from demo_services.faults.switches import SwitchError


def switchboard(request: HttpRequest) -> HttpResponse:
    """Answer 400 to what is not understood and 403 where faults are not allowed; nothing changes then."""
    try:
        if request.method == "PUT":
            board().switch(_given(request))
        elif request.method == "DELETE":
            board().clear()
        elif request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "PUT", "DELETE"])
    except SwitchError as error:
        return JsonResponse({"detail": str(error), "accepted": board().switches.accepted()}, status=400)
    except NotAllowedError as error:
        return JsonResponse({"detail": str(error)}, status=403)
    return JsonResponse(
        {
            "instance": board().instance,
            "allowed": board().allowed,
            "faults": board().values(),
            "accepted": board().switches.accepted(),
        }
    )


def _given(request: HttpRequest) -> dict[str, Any]:
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(QueryDict(request.body, encoding=request.encoding).items())
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise SwitchError('The body is no JSON object; accepted is one such as {"errors": 0.3}, or a form.')
    return given
