"""What auth answers is what its callers were promised in the contracts folder."""

import json
from typing import Any

from django.conf import settings
from django.test import TestCase

from accounts.models import User

CONTRACTS = settings.BASE_DIR.parent / "contracts"


def shape(value: Any) -> Any:
    """The names and types of a JSON value, without its values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


class ContractTests(TestCase):
    def promised(self, name: str) -> dict[str, Any]:
        contract: dict[str, Any] = json.loads((CONTRACTS / f"{name}.json").read_text())
        return contract

    def test_user(self) -> None:
        """GET /api/users/<id>/ has exactly the promised members and types."""
        contract = self.promised("auth_user")
        user = User.objects.create_user("ada", "ada@example.com", "correct horse battery")
        tokens = self.client.post(
            "/api/token/", {"username": "ada", "password": "correct horse battery"}, "application/json"
        ).json()

        response = self.client.get(
            contract["request"]["path"].format(id=user.pk),
            headers={"authorization": f"Bearer {tokens['access']}"},
        )

        self.assertEqual(response.status_code, contract["response"]["status"])
        self.assertEqual(shape(response.json()), shape(contract["response"]["body"]))

    def test_jwks(self) -> None:
        """The key set has the promised members, and nothing of the private key."""
        contract = self.promised("auth_jwks")
        response = self.client.get(contract["request"]["path"])

        self.assertEqual(response.status_code, contract["response"]["status"])
        self.assertEqual(shape(response.json()), shape(contract["response"]["body"]))
