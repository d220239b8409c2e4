"""The routes of the service."""

import os

from django.urls import URLPattern, URLResolver, include, path

from tests.migration.project import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("orders/<int:number>/", views.order, name="order"),
    path("boom/", views.boom, name="boom"),
    path("checks/", views.checks, name="checks"),
]
if os.environ["KIT"] == "prometheus":
    urlpatterns.append(path("", include("django_prometheus.urls")))
