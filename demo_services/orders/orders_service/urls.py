"""URLs of the orders service."""

from django.urls import path

from orders import views

urlpatterns = [
    path("", views.index),
    path("api/orders/", views.OrdersView.as_view(), name="orders"),
    path("api/orders/<uuid:pk>/", views.OrderView.as_view(), name="order"),
]
handler400 = "rest_framework.exceptions.bad_request"
handler404 = "orders.views.not_found"
handler500 = "rest_framework.exceptions.server_error"
