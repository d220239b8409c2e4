"""What goes in and out of the notifications API."""

from typing import Any

from rest_framework import serializers

from notifications.models import Notification


class QuerySerializer(serializers.Serializer[Any]):
    order_id = serializers.UUIDField(required=False)


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["event_id", "order_id", "recipient", "subject", "correlation_id", "created_at", "sent_at"]
