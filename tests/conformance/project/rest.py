"""Django REST framework: a view behind a token, and the token."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.conformance.project import exchange
from tests.conformance.project.witness import witness


class Protected(APIView):
    authentication_classes = (TokenAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        witness(request.GET["key"], "view")
        noted = exchange.current.get()
        if noted is not None:
            noted.session = request.session
        return Response({"user": request.user.pk})


def token(request: HttpRequest) -> JsonResponse:
    """A new user, named by the key, and a token."""
    user = User.objects.create_user(request.GET["key"])
    return JsonResponse({"user": user.pk, "token": Token.objects.create(user=user).key})


urlpatterns = [path("", Protected.as_view()), path("token/", token)]
