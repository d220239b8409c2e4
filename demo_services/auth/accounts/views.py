"""The accounts API."""

import logging
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from rest_framework import generics, permissions, serializers
from rest_framework.exceptions import NotFound

from accounts.models import User
from accounts.serializers import RegistrationSerializer, UserSerializer

logger = logging.getLogger(__name__)


class RegisterView(generics.CreateAPIView[User]):
    """POST username, email and password; answers 201 with the new user."""

    serializer_class = RegistrationSerializer
    permission_classes = [permissions.AllowAny]
    authentication_classes = []

    def perform_create(self, serializer: serializers.BaseSerializer[User]) -> None:
        user = serializer.save()
        logger.info("user registered", extra={"user_id": user.pk})


class UserView(generics.RetrieveAPIView[User]):
    """GET a user; a customer sees only themselves, anybody else does not exist."""

    serializer_class = UserSerializer

    def get_object(self) -> User:
        user = self.request.user
        if not isinstance(user, User) or user.pk != self.kwargs["pk"]:
            raise NotFound
        return user


def jwks(_request: HttpRequest) -> JsonResponse:
    """The public keys that verify this service's tokens (RFC 7517)."""
    response = JsonResponse(settings.JWKS)
    response["Cache-Control"] = "public, max-age=300"
    return response


def not_found(_request: HttpRequest, *_args: Any, **_kwargs: Any) -> JsonResponse:
    """Answer an unknown path in the shape of every other error."""
    return JsonResponse({"detail": "Not found."}, status=404)
