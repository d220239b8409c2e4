"""What was sent to whom."""

# mypy: disable-error-code="var-annotated"
# (the types of model fields come from the plugin of django-stubs, which this repository does without)

from django.db import models


class Notification(models.Model):
    """One mail about one event; the event's ID is unique, so that hearing of it twice sends it once."""

    event_id = models.UUIDField(unique=True)
    order_id = models.UUIDField(db_index=True)
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    correlation_id = models.CharField(max_length=128)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.subject} to customer of order {self.order_id}"
