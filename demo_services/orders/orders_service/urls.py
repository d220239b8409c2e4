"""URLs of the orders service."""

from django.urls import path

from demo_services.faults.inbound import faulty
from demo_services.faults.landing import pages
from orders import views

urlpatterns = [
    *pages(
        "Takes orders: asks auth who orders, charges them, and tells notifications of it.",
        {"orders": "api/orders/"},
    ),
    *faulty(
        path("api/orders/", views.OrdersView.as_view(), name="orders"),
        path("api/orders/<uuid:pk>/", views.OrderView.as_view(), name="order"),
    ),
]
handler400 = "rest_framework.exceptions.bad_request"
handler404 = "orders.views.not_found"
handler500 = "rest_framework.exceptions.server_error"
