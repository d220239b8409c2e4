"""The routes of the tests' project."""

from django.urls import path

from tests import views

urlpatterns = [
    path("ok/", views.ok, name="ok"),
    path("ok/<int:number>/", views.numbered, name="numbered"),
    path("boom/", views.boom, name="boom"),
    path("denied/", views.denied, name="denied"),
    path("queries/", views.queries, name="queries"),
    path("logs/", views.logs, name="logs"),
    path("stream/", views.stream, name="stream"),
    path("broken-stream/", views.broken_stream, name="broken-stream"),
    path("async/ok/", views.async_ok, name="async-ok"),
    path("async/boom/", views.async_boom, name="async-boom"),
    path("async/stream/", views.async_stream, name="async-stream"),
]
