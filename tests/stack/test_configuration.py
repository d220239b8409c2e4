"""The files below stack/: read by the programs they are for, or held to what is documented of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from dashboards import known, links, logql
from demo_services.ports import free_port
from django_observe.vocabulary import Attribute, Field
from tests.processes import Process, get, require
from tests.stack import composefile
from tests.stack.composefile import ROOT

STACK = ROOT / "stack"
SERVICE = """
import sys
from django.conf import settings
says = {"SERVICE_NAME": "shop-it-says", "ENVIRONMENT": "it-says", "VERSION": "7"}
settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, INSTALLED_APPS=["django_observe"], DJANGO_OBSERVE=says
)
urlpatterns = []
from django.core.management import execute_from_command_line
execute_from_command_line(["", "runserver", "--noreload", sys.argv[1]])
"""


def test_prometheus_takes_the_configuration_as_it_lies_in_the_container(tmp_path: Path) -> None:
    composefile.laid_out("prometheus", "/etc/prometheus", tmp_path)
    command = [require("promtool", "prometheus"), "check", "config", str(tmp_path / "prometheus.yml")]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"SUCCESS: \d+ rules found", checked.stdout)


def test_alertmanager_takes_the_configuration_as_it_lies_in_the_container(tmp_path: Path) -> None:
    composefile.laid_out("alertmanager", "/etc/alertmanager", tmp_path)
    command = [
        require("amtool", "prometheus-alertmanager"),
        "check-config",
        str(tmp_path / "alertmanager.yml"),
    ]
    checked = subprocess.run(command, check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_finds_its_targets_and_gives_them_our_labels(tmp_path: Path) -> None:
    composefile.laid_out("prometheus", "/etc/prometheus", tmp_path)
    service, port = free_port(), free_port()
    (tmp_path / "targets/django.yml").write_text(
        f"- targets: ['127.0.0.1:{service}']\n  labels: {{environment: here}}\n"
        f"- targets: ['localhost:{service}']\n  labels: {{environment: here, service: shop}}\n"
    )
    command = [
        require("prometheus", "prometheus"),
        *_flags(tmp_path),
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with Process([sys.executable, "-c", SERVICE, str(service)]) as django, Process(command) as prometheus:
        django.wait_for_http(f"http://127.0.0.1:{service}/metrics")
        prometheus.wait_for_http(f"{url}/-/ready")
        found = prometheus.wait_for(lambda: _both(url), "both targets scraped", timeout=40)
    by_service = {metric["service"]: metric for metric in found}
    assert set(by_service) == {"shop", "127.0.0.1"}
    for metric in found:
        assert metric["environment"] == "here"
        assert metric["version"] == "7"
        assert not [label for label in metric if label.startswith("exported_")]


def test_yaml_is_clean() -> None:
    paths = ["docker-compose.yml", "stack", "dashboards/built", ".yamllint"]
    command = [sys.executable, "-m", "yamllint", "--strict", *paths]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert checked.returncode == 0, checked.stdout


def test_the_dockerfile_is_clean() -> None:
    program = Path(sys.executable).with_name("hadolint")
    checked = subprocess.run(
        [program, ROOT / "demo_services/Dockerfile"], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(("path", "title"), [("loki/loki.yml", "Loki"), ("jaeger/jaeger.yml", "Jaeger")])
def test_each_key_is_in_the_reference_with_where_it_was_read(path: str, title: str) -> None:
    reference = (ROOT / "docs/reference/stack.md").read_text()
    section = reference.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE))
    assert set(rows) == set(_keys(yaml.safe_load((STACK / path).read_text())))
    assert all(source.strip() for source in rows.values())


def test_grafana_finds_traces_lines_and_journeys_by_our_names() -> None:
    sources = {source["uid"]: source for source in _datasources()}
    assert set(sources) == {links.PROMETHEUS, links.LOKI, links.JAEGER, links.ALERTMANAGER}
    (exemplar,) = sources[links.PROMETHEUS]["jsonData"]["exemplarTraceIdDestinations"]
    assert (exemplar["name"], exemplar["datasourceUid"]) == (Field.TRACE_ID, links.JAEGER)
    trace, journey = sources[links.LOKI]["jsonData"]["derivedFields"]
    assert (trace["matcherRegex"], trace["datasourceUid"]) == (Field.TRACE_ID, links.JAEGER)
    assert journey["matcherRegex"] == Field.CORRELATION_ID
    assert journey["url"] == f"/d/{links.JOURNEY}?var-{Field.CORRELATION_ID}=$${{__value.raw}}"
    query = sources[links.JAEGER]["jsonData"]["tracesToLogsV2"]["query"]
    assert f'{Field.TRACE_ID}="$${{__trace.traceId}}"' in query
    assert f'{Field.CORRELATION_ID}="$${{__span.tags.{Attribute.CORRELATION_ID}}}"' in query


def test_grafana_on_a_read_only_root_leaves_its_data_sources_alone() -> None:
    grafana = composefile.services()["grafana"]
    assert grafana["read_only"]
    assert grafana["environment"]["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


def test_grafana_opens_on_a_dashboard_that_is_mounted(tmp_path: Path) -> None:
    composefile.laid_out("grafana", "/etc/grafana", tmp_path)
    home = composefile.services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (tmp_path / Path(home).relative_to("/etc/grafana")).is_file()
    provider = yaml.safe_load((tmp_path / "provisioning/dashboards/dashboards.yml").read_text())
    assert provider["providers"][0]["options"]["path"] == str(Path(home).parent)


def test_grafana_leads_from_a_trace_to_metrics_that_there_are() -> None:
    (jaeger,) = [source for source in _datasources() if source["uid"] == links.JAEGER]
    metrics = jaeger["jsonData"]["tracesToMetrics"]
    label = metrics["tags"][0]["value"]
    for query in metrics["queries"]:
        assert known.faults(query["query"].replace("$$__tags", f'{label}="orders"')) == []


def test_jaegers_pages_link_to_the_journey() -> None:
    (pattern,) = json.loads((STACK / "jaeger/ui.json").read_text())["linkPatterns"]
    assert pattern["key"] == Attribute.CORRELATION_ID
    assert f"/d/{links.JOURNEY}?var-{Field.CORRELATION_ID}=" in pattern["url"]


def test_services_send_where_loki_and_jaeger_listen() -> None:
    environment = composefile.services()["orders"]["environment"]
    jaeger = yaml.safe_load((STACK / "jaeger/jaeger.yml").read_text())
    port = jaeger["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == f"http://jaeger:{port}/v1/traces"
    loki = yaml.safe_load((STACK / "loki/loki.yml").read_text())
    port = loki["server"]["http_listen_port"]
    assert environment["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] == f"http://loki:{port}/otlp/v1/logs"


def test_loki_makes_labels_of_exactly_what_our_queries_select_by() -> None:
    limits = yaml.safe_load((STACK / "loki/loki.yml").read_text())["limits_config"]
    attributes = limits["otlp_config"]["resource_attributes"]
    (made,) = attributes["attributes_config"]
    assert attributes["ignore_defaults"] is True
    assert made["action"] == "index_label"
    assert {name.replace(".", "_") for name in made["attributes"]} == set(logql.INDEX_LABELS)


def test_the_graph_of_a_traces_services_is_on() -> None:
    (jaeger,) = [source for source in _datasources() if source["uid"] == links.JAEGER]
    assert jaeger["jsonData"]["nodeGraph"] == {"enabled": True}


def _flags(folder: Path) -> list[str]:
    """The command of the container, its folders here."""
    command: list[str] = composefile.services()["prometheus"]["command"]
    data = f"={folder / 'data'}"
    return [word.replace("=/etc/prometheus", f"={folder}").replace("=/prometheus", data) for word in command]


def _both(url: str) -> list[dict[str, str]]:
    asked = f"{url}/api/v1/query?time={time.time()}&query={quote('observe_info')}"
    series = json.loads(get(asked).body)["data"]["result"]
    return [entry["metric"] for entry in series] if len(series) == 2 else []


def _keys(value: Any, path: str = "") -> Iterator[str]:
    """Each key on the way to a leaf, dotted; of a list of mappings with []."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            yield from _keys(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for entry in value:
            yield from _keys(entry, f"{path}[]")
    else:
        yield path


def _datasources() -> list[dict[str, Any]]:
    text = (STACK / "grafana/provisioning/datasources/datasources.yml").read_text()
    found: list[dict[str, Any]] = yaml.safe_load(text)["datasources"]
    return found
