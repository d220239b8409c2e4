"""A JSON service at the other end of HTTP: timeouts, bounded retries with jitter, and a circuit breaker."""

import logging
from dataclasses import dataclass
from typing import Any

import requests
from pybreaker import CircuitBreaker, CircuitBreakerError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from orders.errors import BadGateway, ServiceUnavailable

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
READ_SECONDS = 1.5
ATTEMPTS = 3
SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a remote service answered: a status below 500 and a JSON object."""

    status: int
    body: dict[str, Any]


class Remote:
    """One remote service; `request` answers or raises ServiceUnavailable or BadGateway, within about 6 s."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self.breaker = CircuitBreaker(fail_max=5, reset_timeout=10, name=name)
        self._session = requests.Session()

    def request(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request that may safely be sent twice."""
        try:
            response = self.breaker.call(self._persist, method, path, options)
        except CircuitBreakerError:
            logger.warning("%s is failing, not asked", self.name)
            raise ServiceUnavailable(f"The {self.name} service is not available.") from None
        except (requests.ConnectionError, requests.Timeout) as error:
            logger.warning("%s cannot be reached: %s", self.name, type(error).__name__)
            raise ServiceUnavailable(f"The {self.name} service is not available.") from None
        except requests.RequestException as error:
            logger.warning("%s answered badly: %s", self.name, error)
            raise BadGateway(f"The {self.name} service answered with an error.") from None
        return Answer(response.status_code, self._json_object(response))

    def _persist(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        retrying = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.1, max=1),
            retry=retry_if_exception_type(requests.RequestException),
            before_sleep=self._say_retry,
            reraise=True,
        )
        return retrying(self._send, method, path, options)

    def _send(self, method: str, path: str, options: dict[str, Any]) -> requests.Response:
        response = self._session.request(
            method, f"{self.url}{path}", timeout=(CONNECT_SECONDS, READ_SECONDS), **options
        )
        if response.status_code >= SERVER_ERROR:
            response.raise_for_status()
        return response

    def _say_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        logger.info("%s: attempt %d failed (%s)", self.name, state.attempt_number, type(error).__name__)

    def _json_object(self, response: requests.Response) -> dict[str, Any]:
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = None
        if not isinstance(body, dict):
            raise BadGateway(f"The {self.name} service answered no JSON object.")
        return body
