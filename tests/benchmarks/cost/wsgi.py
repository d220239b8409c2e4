"""What gunicorn serves; the hand assembly starts OpenTelemetry here, as its documentation says."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application

from tests.benchmarks.cost.configurations import chosen

if chosen().assembly == "hand":
    from tests.benchmarks.cost import hand

    hand.trace()

application = get_wsgi_application()
