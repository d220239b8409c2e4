"""What the stack keeps ends somewhere, and nobody can change or delete it from outside."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.stack import composefile
from tests.stack.composefile import ROOT

DURATION = re.compile(r"[1-9]\d*[smhdwy]")
SIZE = re.compile(r"[1-9]\d*[KMGT]B")
OPEN = {"web.enable-admin-api", "web.enable-lifecycle", "web.enable-remote-write-receiver"}
"""Flags by which whoever reaches the port may delete, stop or write."""


def _flags(service: str) -> dict[str, str]:
    words = composefile.services()[service]["command"]
    return {name.lstrip("-"): value for name, _, value in (word.partition("=") for word in words)}


def _configuration(path: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "stack" / path).read_text())
    return read


def test_prometheus_keeps_metrics_for_a_time_and_in_a_space() -> None:
    flags = _flags("prometheus")
    assert DURATION.fullmatch(flags["storage.tsdb.retention.time"])
    assert SIZE.fullmatch(flags["storage.tsdb.retention.size"])


def test_prometheus_keeps_metrics_for_longer_than_objectives_look_back() -> None:
    days = re.fullmatch(r"(\d+)d", _flags("prometheus")["storage.tsdb.retention.time"])
    assert days
    assert int(days[1]) > 30


def test_alertmanager_keeps_its_history_for_a_time() -> None:
    assert DURATION.fullmatch(_flags("alertmanager")["data.retention"])


def test_loki_deletes_lines_that_are_old() -> None:
    loki = _configuration("loki/loki.yml")
    assert DURATION.fullmatch(loki["limits_config"]["retention_period"])
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"] == loki["schema_config"]["configs"][-1]["object_store"]


def test_jaeger_keeps_spans_on_disk_and_for_a_time() -> None:
    extensions = _configuration("jaeger/jaeger.yml")["extensions"]
    badger = extensions["jaeger_storage"]["backends"]["disk"]["badger"]
    assert badger["ephemeral"] is False
    assert DURATION.fullmatch(badger["ttl"]["spans"])
    mounted = [volume.split(":")[1] for volume in composefile.services()["jaeger"]["volumes"]]
    for folder in badger["directories"].values():
        assert any(folder.startswith(f"{target}/") for target in mounted), folder


def test_prometheus_lets_nobody_delete_stop_or_write() -> None:
    assert not OPEN & set(_flags("prometheus"))
