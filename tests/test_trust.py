"""Who is believed and who is told."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_observe import conf, parsing, persons, trust

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
        ("10.0.0.1", "198.51.100.1, " + "a" * 600, "10.0.0.1"),
        ("10.0.0.1", "unknown, <script>", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "", None),
    ],
)
def test_the_clients_address_is_the_nearest_untrusted_hop(
    peer: str, forwarded: str, client: str | None
) -> None:
    assert trust.client_address(peer, forwarded, parsing.networks(["10.0.0.0/8"])) == client


parts = st.one_of(
    st.integers(0, 300).map(str), st.sampled_from(["", "01", "+1", " 1", "1\n", "\u0661", "0x1", "1\0"])
)
addresses = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.ip_addresses(v=4).map("::ffff:{}".format),
    st.lists(parts, min_size=1, max_size=5).map(".".join),
    st.text("0123456789abcdef:.%", max_size=20),
    st.text(max_size=8),
)


@given(addresses)
def test_an_address_is_one_where_python_has_it_as_one(text: str) -> None:
    known: IPv4Address | IPv6Address | None
    try:
        known = ip_address(text.partition("%")[0])
    except ValueError:
        known = None
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or known
    assert trust.parsed(text) == known


@given(st.ip_addresses().filter(lambda address: not address.is_loopback))
def test_a_network_is_told_by_its_first_address(address: IPv4Address | IPv6Address) -> None:
    known = trust.parsed(str(address))
    assert known is not None
    bits = 24 if known.version == 4 else 48
    expected = ip_network(f"{known}/{bits}", strict=False).network_address
    assert persons.client_ip(str(address)) == str(expected) or known.is_loopback
