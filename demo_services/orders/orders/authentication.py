"""Bearer tokens of the auth service, verified here by its public key."""

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from orders.identity import customer_id_of

PARTS = 2


@dataclass(frozen=True, slots=True)
class Bearer:
    """The caller of a request: all that their token says."""

    pk: int
    is_authenticated: bool = True


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; the token itself is kept as request.auth, to ask auth in its name."""

    def authenticate(self, request: Request) -> tuple[Bearer, str] | None:
        """Return the caller and the token, or None when the header is absent."""
        header = get_authorization_header(request).split()
        if not header or header[0].lower() != b"bearer":
            return None
        if len(header) != PARTS:
            raise AuthenticationFailed("The Authorization header must be 'Bearer <token>'.")
        token = header[1].decode("latin-1")
        return Bearer(customer_id_of(token)), token

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        """Make DRF answer 401, not 403, when no token came."""
        return "Bearer"
