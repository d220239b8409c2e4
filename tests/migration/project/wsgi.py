"""The application a server imports; with OpenTelemetry by hand it is started here, as its pages say."""

import os

from django.core.wsgi import get_wsgi_application

if os.environ["KIT"] == "opentelemetry":
    from tests.migration.project import tracing

    tracing.start()

application = get_wsgi_application()
