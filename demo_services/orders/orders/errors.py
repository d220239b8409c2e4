"""What can go wrong with an order."""

from rest_framework import status
from rest_framework.exceptions import APIException


class ServiceUnavailable(APIException):
    """Another service is away or too slow; the client may try again."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "A service that this needs is not available. Try again in a moment."
    default_code = "unavailable"


class PaymentDeclined(APIException):
    """The payment provider said no."""

    status_code = status.HTTP_402_PAYMENT_REQUIRED
    default_detail = "The payment was declined."
    default_code = "payment_declined"


class BadGateway(APIException):
    """Another service answered, but with an error or nonsense."""

    status_code = status.HTTP_502_BAD_GATEWAY
    default_detail = "A service that this needs gave an invalid answer."
    default_code = "bad_gateway"
