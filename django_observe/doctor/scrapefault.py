"""Why a target of Prometheus is down: its words, what they mean, and the line to change."""

from __future__ import annotations

import re
from typing import Any, Final

from django_observe.doctor.finding import BROKEN, NOT_CONFIGURED, Finding

_FORBIDDEN: Final = (
    "who is not in METRICS_ALLOW, or comes through a proxy, is not answered; or the path is not METRICS_PATH",
    'DJANGO_OBSERVE = {"METRICS_TOKEN": "..."}  # and for the job: authorization: {credentials: "..."}',
)
_KNOWN: Final = (
    (r"HTTP status (404|401|403)", *_FORBIDDEN),
    (
        r"HTTP status 5\d\d",
        "the service fails while it answers; its log says why",
        "see the log of the service",
    ),
    (
        r"HTTP status 3\d\d|stopped after \d+ redirects",
        "something before the service redirects, to https or to a login",
        "scheme: https  # of the job; or scrape the service itself, not what is in front of it",
    ),
    (
        r"connection refused",
        "nothing listens at the target's address: the service is down, or it has another port",
        'static_configs: [{targets: ["HOST:PORT"]}]  # where the service listens',
    ),
    (
        r"no such host|server misbehaving",
        "the target's name is not known where Prometheus runs",
        'static_configs: [{targets: ["HOST:PORT"]}]  # by a name that Prometheus can resolve',
    ),
    (
        r"deadline exceeded|timeout",
        "the service is too slow, has no free worker, or cannot be reached",
        "scrape_timeout: 10s  # of the job; or give the service more workers",
    ),
    (
        r"sample limit|sample_limit",
        "the page has more series than the job takes",
        "sample_limit: 20000",
    ),
    (
        r"server gave HTTP response to HTTPS|first record does not look like a TLS",
        "the job asks by https, the service answers http",
        "scheme: http",
    ),
    (
        r"Content-Type|start token|expected|invalid|parse|no token found",
        "what is answered there is no metrics page: another program, or a page in front of the service",
        'static_configs: [{targets: ["HOST:PORT"]}]  # of the service itself',
    ),
)


def finding(hop: str, target: dict[str, Any], service: str) -> Finding:
    """What Prometheus says of a target on which nothing of ours was found."""
    url, error = str(target.get("scrapeUrl", "?")), str(target.get("lastError") or "")
    if target.get("health") == "unknown":
        return Finding(hop, NOT_CONFIGURED, f"{url} has not been scraped yet")
    if not error:
        return Finding(
            hop,
            BROKEN,
            f"{url} is scraped, but is no page of {service}",
            "another program answers there, the kit is not in its INSTALLED_APPS, or it has another name",
            'INSTALLED_APPS += ["django_observe"]',
        )
    says = f"Prometheus cannot scrape {url}: {error[:200]}"
    for pattern, cause, change in _KNOWN:
        if re.search(pattern, error):
            return Finding(hop, BROKEN, says, cause, change)
    return Finding(hop, BROKEN, says, "the scrape fails", "see Status, Targets in Prometheus")
