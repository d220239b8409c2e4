"""URLs of the notifications service."""

from django.urls import path

from demo_services.faults.inbound import faulty
from demo_services.faults.landing import pages
from notifications import views

urlpatterns = [
    *pages(
        "Tells customers by mail what became of their orders: a Celery worker, and an API to look it up.",
        {"notifications": "api/notifications/"},
    ),
    *faulty(
        path("api/notifications/", views.NotificationsView.as_view(), name="notifications"),
    ),
]
handler400 = "rest_framework.exceptions.bad_request"
handler404 = "notifications.views.not_found"
handler500 = "rest_framework.exceptions.server_error"
