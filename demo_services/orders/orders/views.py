"""The orders API."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from rest_framework import generics, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orders.identity import customer_of
from orders.models import Order
from orders.serializers import NewOrderSerializer, OrderSerializer
from orders.services import place_order


class OrdersView(APIView):
    """POST a sku and a quantity; answers 201 with the order and the ID under which it can be followed."""

    def post(self, request: Request) -> Response:
        """Place the order."""
        from django_observe import correlation_id

        wanted = NewOrderSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        customer = customer_of(int(request.user.pk or 0), str(request.auth))
        order = place_order(
            customer, wanted.validated_data["sku"], wanted.validated_data["quantity"], correlation_id() or ""
        )
        return Response(OrderSerializer(order).data, status=status.HTTP_201_CREATED)


class OrderView(generics.RetrieveAPIView[Order]):
    """GET an order; a customer sees only their own."""

    serializer_class = OrderSerializer

    def get_queryset(self) -> QuerySet[Order]:
        orders: QuerySet[Order] = Order.objects.filter(customer_id=self.request.user.pk)
        return orders


def not_found(_request: HttpRequest, *_args: Any, **_kwargs: Any) -> JsonResponse:
    """Answer an unknown path in the shape of every other error."""
    return JsonResponse({"detail": "Not found."}, status=404)
