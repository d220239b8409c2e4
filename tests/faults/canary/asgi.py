"""The ASGI application: Django, and a consumer of Channels for WebSockets."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.canary.settings")
_django = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - Channels needs the settings
from django.urls import path  # noqa: E402

from tests.faults.canary.consumers import Talk  # noqa: E402

application = ProtocolTypeRouter(
    {"http": _django, "websocket": URLRouter([path("ws/<str:outcome>/<str:segment>/", Talk.as_asgi())])}
)
