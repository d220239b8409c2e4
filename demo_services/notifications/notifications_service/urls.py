"""URLs of the notifications service."""

from django.urls import path

from notifications import views

urlpatterns = [
    path("", views.index),
    path("api/notifications/", views.NotificationsView.as_view(), name="notifications"),
]
handler400 = "rest_framework.exceptions.bad_request"
handler404 = "notifications.views.not_found"
handler500 = "rest_framework.exceptions.server_error"
