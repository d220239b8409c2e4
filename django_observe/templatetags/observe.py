"""`{% load observe %}{% correlation_id %}`: the ID to quote to support, also where there is no request.

Django renders 500.html without context processors, so `{{ request.correlation_id }}` says nothing there.
"""

from __future__ import annotations

from django import template

from django_observe import correlation

register = template.Library()


@register.simple_tag
def correlation_id() -> str:
    """The ID of the request that is answered; nothing outside of one."""
    return correlation.correlation_id() or ""
