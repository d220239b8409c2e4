"""The hand assembly: django-guid and OpenTelemetry's own instrumentations, wired as their pages say."""

from __future__ import annotations

from typing import Any

from django_guid.integrations.celery import CeleryIntegration

from tests import handassembly


def wire(settings: dict[str, Any]) -> None:
    """Adds to a settings module what a careful team would."""
    settings["INSTALLED_APPS"].append("django_guid")
    settings["MIDDLEWARE"].insert(0, "django_guid.middleware.guid_middleware")
    settings["DJANGO_GUID"] = {
        "GUID_HEADER_NAME": "X-Correlation-ID",
        "INTEGRATIONS": [CeleryIntegration(use_django_logging=True, log_parent=True)],
    }
    settings["LOGGING"] = handassembly.lines()


def trace() -> None:
    """Starts OpenTelemetry in this process: before Django's application is made, or after a fork."""
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor
    from opentelemetry.instrumentation.urllib import URLLibInstrumentor
    from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor

    handassembly.trace(
        (
            DjangoInstrumentor,
            CeleryInstrumentor,
            RequestsInstrumentor,
            URLLib3Instrumentor,
            HTTPXClientInstrumentor,
            URLLibInstrumentor,
            ThreadingInstrumentor,
        )
    )
