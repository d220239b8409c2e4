"""Who is believed and who is told."""

from __future__ import annotations

import pytest

from django_observe import conf, parsing, trust

PATTERNS = ("<private>", "<single-label>", "*.internal", "api.partner.example")


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("10.2.3.4", True),
        ("[::1]", True),
        ("::ffff:10.0.0.1", True),
        ("orders", True),
        ("orders.internal", True),
        ("ORDERS.INTERNAL.", True),
        ("api.partner.example", True),
        ("partner.example", False),
        ("8.8.8.8", False),
        ("2001:4860::1", False),
        ("example.com", False),
        ("evilinternal", True),
        ("evil.internal.example.com", False),
    ],
)
def test_hosts_that_may_be_told(host: str, told: bool) -> None:
    assert trust.may_be_told(host, PATTERNS, conf.PRIVATE_NETWORKS) is told


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("orders.svc", True),
        ("printer.local", True),
        ("a.svc.cluster.local", True),
        ("api.example.org", False),
    ],
)
def test_hosts_that_may_be_told_by_default(host: str, told: bool) -> None:
    assert trust.may_be_told(host, conf.settings().propagate_to, conf.PRIVATE_NETWORKS) is told


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("", True),
        ("172.20.0.5", True),
        ("203.0.113.9", False),
        ("junk", False),
    ],
)
def test_peers_that_are_trusted_by_default(address: str, inside: bool) -> None:
    assert trust.is_in(address, conf.PRIVATE_NETWORKS) is inside


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.7", "10.0.0.3"),
        ("10.0.0.1", "unknown, <script>", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "", None),
    ],
)
def test_the_clients_address_is_the_nearest_untrusted_hop(
    peer: str, forwarded: str, client: str | None
) -> None:
    assert trust.client_address(peer, forwarded, parsing.networks(["10.0.0.0/8"])) == client
