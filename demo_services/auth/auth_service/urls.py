"""URLs of the auth service."""

from django.urls import path
from rest_framework_simplejwt.views import TokenObtainPairView

from accounts import views
from demo_services.faults.inbound import faulty
from demo_services.faults.landing import pages

urlpatterns = [
    *pages(
        "Who the customers are: accounts, tokens, and the public keys that verify them.",
        {"register": "api/register/", "token": "api/token/", "jwks": ".well-known/jwks.json"},
    ),
    *faulty(
        path("api/register/", views.RegisterView.as_view(), name="register"),
        path("api/token/", TokenObtainPairView.as_view(), name="token"),
        path("api/users/<int:pk>/", views.UserView.as_view(), name="user"),
        path(".well-known/jwks.json", views.jwks, name="jwks"),
    ),
]
handler400 = "rest_framework.exceptions.bad_request"
handler404 = "accounts.views.not_found"
handler500 = "rest_framework.exceptions.server_error"
