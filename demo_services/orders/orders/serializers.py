"""What goes in and out of the orders API."""

from typing import TypedDict

from rest_framework import serializers

from orders.models import Order, Product

MOST = 1000


class NewOrder(TypedDict):
    """What a valid request for an order holds."""

    sku: Product
    quantity: int


class NewOrderSerializer(serializers.Serializer[NewOrder]):
    sku = serializers.SlugRelatedField(slug_field="sku", queryset=Product.objects.all())
    quantity = serializers.IntegerField(min_value=1, max_value=MOST)


class OrderSerializer(serializers.ModelSerializer[Order]):
    sku = serializers.CharField(source="product.sku")

    class Meta:
        model = Order
        fields = [
            "id",
            "sku",
            "quantity",
            "amount_cents",
            "currency",
            "status",
            "correlation_id",
            "created_at",
        ]
