"""A model as django-prometheus' page has it; installed with that alone."""

from django.db import models
from django_prometheus.models import ExportModelOperationsMixin


class Order(ExportModelOperationsMixin("order"), models.Model):  # type: ignore[misc]
    """An order."""

    def __str__(self) -> str:
        return f"order {self.pk}"
