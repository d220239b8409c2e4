"""The project's routes."""

from django.urls import path

from . import views

urlpatterns = [
    path("", views.home, name="home"),
    path("broken/", views.broken, name="broken"),
    path("order/<int:number>/", views.order, name="order"),
    path("stream/<int:parts>/", views.stream, name="stream"),
    path("state/", views.state, name="state"),
]
