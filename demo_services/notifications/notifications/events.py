"""The events of other services that this one understands; members it does not know are ignored."""

from typing import Any

from rest_framework import serializers


class EventOrderSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField(min_value=1)
    amount_cents = serializers.IntegerField(min_value=0)
    currency = serializers.CharField(max_length=3)


class EventCustomerSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    email = serializers.EmailField()


class OrderCreatedSerializer(serializers.Serializer[Any]):
    """`order_created`, published by the orders service."""

    event_id = serializers.UUIDField()
    correlation_id = serializers.CharField(max_length=128, allow_blank=True)
    order = EventOrderSerializer()
    customer = EventCustomerSerializer()
