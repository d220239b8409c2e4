"""The notifications API."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from rest_framework import generics

from notifications.models import Notification
from notifications.serializers import NotificationSerializer, QuerySerializer


class NotificationsView(generics.ListAPIView[Notification]):
    """GET the notifications, newest first; `?order_id=` narrows them to one order."""

    serializer_class = NotificationSerializer

    def get_queryset(self) -> QuerySet[Notification]:
        query = QuerySerializer(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        return Notification.objects.filter(**query.validated_data)


def not_found(_request: HttpRequest, *_args: Any, **_kwargs: Any) -> JsonResponse:
    """Answer an unknown path in the shape of every other error."""
    return JsonResponse({"detail": "Not found."}, status=404)
