"""The customer."""

# mypy: disable-error-code="var-annotated"
# (the types of model fields come from the plugin of django-stubs, which this repository does without)

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A customer; the mail address is theirs alone, because orders are confirmed to it."""

    email = models.EmailField(unique=True)
