"""Registration, tokens and users, by the answers a client gets."""

import jwt
from django.test import TestCase

from accounts.models import User

PASSWORD = "correct horse battery"


class RegistrationTests(TestCase):
    def test_register(self) -> None:
        """A new customer is stored with a hashed password, which is never answered."""
        body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        response = self.client.post("/api/register/", body, "application/json")

        user = User.objects.get(username="ada")
        self.assertEqual(response.status_code, 201)
        self.assertEqual(response.json(), {"id": user.pk, "username": "ada", "email": "ada@example.com"})
        self.assertTrue(user.check_password(PASSWORD))

    def test_bad_input(self) -> None:
        """Each fault is named by its field, all of them at once."""
        User.objects.create_user("ada", "ada@example.com", PASSWORD)
        bodies = {
            "{}": {"username", "email", "password"},
            '{"username": "ada", "email": "nonsense", "password": "short"}': {
                "username",
                "email",
                "password",
            },
            '{"username": "eve", "email": "ada@example.com", "password": "correct horse battery"}': {"email"},
        }
        for body, faults in bodies.items():
            with self.subTest(body=body):
                response = self.client.post("/api/register/", body, "application/json")
                self.assertEqual(response.status_code, 400)
                self.assertEqual(set(response.json()), faults)

    def test_not_json(self) -> None:
        """A body that is no JSON, and one of another type, are the client's faults."""
        self.assertEqual(self.client.post("/api/register/", "{", "application/json").status_code, 400)
        self.assertEqual(self.client.post("/api/register/", {"username": "ada"}).status_code, 415)


class TokenTests(TestCase):
    def setUp(self) -> None:
        self.user = User.objects.create_user("ada", "ada@example.com", PASSWORD)

    def token(self) -> str:
        body = {"username": "ada", "password": PASSWORD}
        token: str = self.client.post("/api/token/", body, "application/json").json()["access"]
        return token

    def test_token_is_verified_by_the_published_key(self) -> None:
        """The access token needs nothing but the key set to be believed."""
        keys = jwt.PyJWKSet.from_dict(self.client.get("/.well-known/jwks.json").json())
        claims = jwt.decode(self.token(), keys.keys[0], ["RS256"], audience="demo", issuer="auth")
        self.assertEqual(claims["user_id"], str(self.user.pk))

    def test_wrong_password(self) -> None:
        """Wrong credentials are a 401 without a hint which part was wrong."""
        body = {"username": "ada", "password": "wrong"}
        self.assertEqual(self.client.post("/api/token/", body, "application/json").status_code, 401)

    def test_user_sees_only_themselves(self) -> None:
        """Without a token 401; with one, one's own record and no other."""
        other = User.objects.create_user("eve", "eve@example.com", PASSWORD)
        headers = {"authorization": f"Bearer {self.token()}"}
        self.assertEqual(self.client.get(f"/api/users/{self.user.pk}/").status_code, 401)
        self.assertEqual(self.client.get(f"/api/users/{self.user.pk}/", headers=headers).status_code, 200)
        self.assertEqual(self.client.get(f"/api/users/{other.pk}/", headers=headers).status_code, 404)

    def test_unknown_path(self) -> None:
        """An unknown path answers in JSON."""
        response = self.client.get("/nope/")
        self.assertEqual((response.status_code, response.json()), (404, {"detail": "Not found."}))
