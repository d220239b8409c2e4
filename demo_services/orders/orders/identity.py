"""The auth service as orders sees it: the keys that verify tokens, and the user behind one."""

from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings
from django.core.cache import cache
from rest_framework.exceptions import AuthenticationFailed

from orders.errors import BadGateway
from orders.remote import Remote

auth = Remote("auth", settings.AUTH_URL)

KEYS_FRESH_SECONDS = 300
OK = 200


@dataclass(frozen=True, slots=True)
class Customer:
    """A user of the auth service, as far as an order needs to know them."""

    id: int
    username: str
    email: str


def customer_id_of(token: str) -> int:
    """The customer whom a token names; AuthenticationFailed unless auth signed it and it is in date."""
    try:
        return _verify(token, published_keys())
    except jwt.InvalidSignatureError:
        # Keys may have been changed since they were cached; ask once more before saying no.
        cache.delete("jwks")
    try:
        return _verify(token, published_keys())
    except jwt.InvalidSignatureError:
        raise AuthenticationFailed("The token was not signed by the auth service.") from None


def customer_of(customer_id: int, token: str) -> Customer:
    """Ask auth for the customer, in the customer's own name."""
    answer = auth.request("GET", f"/api/users/{customer_id}/", headers={"Authorization": f"Bearer {token}"})
    if answer.status != OK:
        raise AuthenticationFailed("The auth service does not know this customer.")
    try:
        return Customer(int(answer.body["id"]), str(answer.body["username"]), str(answer.body["email"]))
    except (KeyError, ValueError) as error:
        raise BadGateway("The auth service answered without the user's data.") from error


def published_keys() -> list[jwt.PyJWK]:
    """The keys that auth signs with, asked for once in five minutes."""
    document: dict[str, Any] | None = cache.get("jwks")
    if document is None:
        document = auth.request("GET", "/.well-known/jwks.json").body
        cache.set("jwks", document, KEYS_FRESH_SECONDS)
    try:
        return jwt.PyJWKSet.from_dict(document).keys
    except jwt.PyJWTError as error:
        cache.delete("jwks")
        raise BadGateway("The auth service published no usable key.") from error


def _verify(token: str, keys: list[jwt.PyJWK]) -> int:
    for key in keys:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience="demo",
                issuer="auth",
                options={"require": ["exp", "user_id"]},
            )
            return int(claims["user_id"])
        except jwt.InvalidSignatureError:  # noqa: PERF203 (there are one or two keys)
            continue
        except (jwt.PyJWTError, KeyError, ValueError) as error:
            raise AuthenticationFailed(f"The token is not valid: {error}") from error
    raise jwt.InvalidSignatureError
