"""What goes in and out of the accounts API."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers

from accounts.models import User


class RegistrationSerializer(serializers.ModelSerializer[User]):
    password = serializers.CharField(write_only=True, max_length=128, validators=[validate_password])

    class Meta:
        model = User
        fields = ["id", "username", "email", "password"]

    def create(self, validated_data: dict[str, Any]) -> User:
        """Create the user with a hashed password."""
        user: User = User.objects.create_user(**validated_data)
        return user


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "username", "email", "date_joined"]
