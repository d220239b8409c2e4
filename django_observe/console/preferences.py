"""What one browser prefers on every page: the zone in which times are shown."""

from __future__ import annotations

from datetime import timezone
from typing import Final

from django.http import HttpRequest

ZONE_COOKIE: Final = "observe_zone"


def zone(request: HttpRequest) -> timezone | None:
    """UTC, or None for the machine's own."""
    return timezone.utc if request.COOKIES.get(ZONE_COOKIE) == "utc" else None
