"""For the project's template: a tag and a context processor that say what they run under."""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest

from tests.conformance.project.witness import witness

register = template.Library()


@register.simple_tag(name="witness")
def tag(key: str) -> str:
    witness(key, "tag")
    return "rendered, "


def processor(request: HttpRequest) -> dict[str, Any]:
    witness(request.GET["key"], "processor")
    return {"processed": "processed"}
