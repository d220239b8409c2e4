"""docker-compose.yml: what it may not do, held against what Compose makes of it, and the first start."""

from __future__ import annotations

import copy
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack import composefile, policy
from tests.stack.composefile import ROOT

EVIL: dict[str, dict[str, Any]] = {
    "port 0.0.0.0:3000:3000 is not on 127.0.0.1": {"ports": ["0.0.0.0:3000:3000"]},
    "port 3000:3000 is not on 127.0.0.1": {"ports": ["3000:3000"]},
    "image grafana/grafana has no version": {"image": "grafana/grafana"},
    "image grafana/grafana:latest has no version": {"image": "grafana/grafana:latest"},
    "has privileges": {"privileged": True},
    "keeps capabilities": {"cap_drop": []},
    "may gain privileges": {"security_opt": []},
    "shares the host's network_mode": {"network_mode": "host"},
    "runs as whatever the image says": {"user": None},
    "runs as 0:0": {"user": "0:0"},
    "runs as root": {"user": "root"},
    "holds docker.sock": {"volumes": ["/var/run/docker.sock:/var/run/docker.sock:ro"]},
    "may write to /etc of the host": {"volumes": ["/etc:/etc/grafana:rw"]},
    "has a root it can write to": {"read_only": False},
    "has no memory limit": {"mem_limit": ""},
    "has no limit of processes": {"pids_limit": 0},
    "keeps its output for ever": {"logging": {"driver": "json-file"}},
    "has no health check": {"healthcheck": {}},
    "GF_SECURITY_ADMIN_PASSWORD has a value of its own": {
        "environment": {"GF_SECURITY_ADMIN_PASSWORD": "admin"}
    },
    "lets anybody in": {"environment": {"GF_AUTH_ANONYMOUS_ENABLED": "true"}},
    "volume nowhere is not declared": {"volumes": ["nowhere:/var/lib/grafana:rw"]},
}


@pytest.fixture(scope="module", params=composefile.commands(), ids=" ".join)
def compose(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param
    return command


@pytest.fixture(scope="module")
def resolved(compose: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    variables = dict.fromkeys(composefile.required(), policy.SECRET)
    answer = composefile.config(compose, variables, tmp_path_factory.mktemp("compose"))
    assert answer.returncode == 0, answer.stderr
    read: dict[str, Any] = yaml.safe_load(answer.stdout)
    return read


def test_no_service_breaks_the_policy(resolved: dict[str, Any]) -> None:
    assert policy.violations(resolved) == []


@pytest.mark.parametrize("violation", EVIL)
def test_the_policy_finds(violation: str, resolved: dict[str, Any]) -> None:
    broken = copy.deepcopy(resolved)
    broken["services"]["grafana"].update(EVIL[violation])
    assert policy.violations(broken) == [f"grafana: {violation}"]


def test_an_exception_is_of_a_service_that_is_there(resolved: dict[str, Any]) -> None:
    assert {*policy.UNCHECKED, *policy.WRITABLE} <= set(resolved["services"])


def test_each_service_waits_for_what_it_needs(resolved: dict[str, Any]) -> None:
    services = resolved["services"]
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    migrations = {services[name]["image"]: name for name in services if name.endswith("-migrate")}
    assert len(migrations) == 3
    for name, service in services.items():
        migration = migrations.get(service["image"])
        if migration == name:
            assert waits[name] == {"postgres": "service_healthy"}
        elif migration:
            assert waits[name][migration] == "service_completed_successfully"
    for name in ("orders", "republisher", "worker"):
        assert waits[name]["redis"] == "service_healthy"


def test_what_is_waited_for_can_say_that_it_is_ready(resolved: dict[str, Any]) -> None:
    services = resolved["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert services[other]["healthcheck"]["test"]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[other]["restart"] == "no"


def test_the_reference_lists_each_image_and_where_its_tag_was_read() -> None:
    reference = (ROOT / "docs/reference/stack.md").read_text()
    (python,) = re.findall(
        r"^ARG PYTHON=(.+)$", (ROOT / "demo_services/Dockerfile").read_text(), re.MULTILINE
    )
    images = {service["image"] for service in composefile.services().values()}
    pulled = {image for image in images if not image.startswith("django-observe-")}
    listed, _, rest = reference.partition("### Where the tags were read")
    read = re.findall(r"^\| (\S+) (\S+) \| [^|]+ \|$", rest.partition("\n## ")[0], re.MULTILINE)
    assert set(re.findall(r"^\| `[^|]+\| ([\w/]+:\S+) \|", listed, re.MULTILINE)) == pulled
    assert {f"{name}:{tag}" for name, tag in read} == pulled | {f"python:{python}"}


def test_without_a_secret_compose_says_which_and_what_to_do(compose: list[str], tmp_path: Path) -> None:
    answer = composefile.config(compose, {}, tmp_path)
    assert answer.returncode
    assert re.search(r"[A-Z_]+ is not set, run make up first", answer.stderr)
    asked = re.findall(r"\$\{(\w+):\?([^}]*)\}", composefile.FILE.read_text())
    assert {words for _, words in asked} == {f"{name} is not set, run make up first" for name, _ in asked}


def test_the_example_explains_exactly_the_variables_that_are_asked_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", composefile.FILE.read_text()))
    given = set(re.findall(r"^#?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert given == asked | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"}


def test_the_first_start_writes_an_environment_that_compose_takes(compose: list[str], tmp_path: Path) -> None:
    target = tmp_path / ".env"
    assert _written(target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    text = target.read_text()
    assert "<" not in "".join(line for line in text.splitlines() if "=" in line)
    values = dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))
    secrets = [value for name, value in values.items() if re.search("PASSWORD|SECRET", name)]
    assert len(set(secrets)) == len(secrets) == 7
    assert min(map(len, secrets)) >= 32
    assert values["CELERY_BROKER_URL"] == f"redis://:{values['REDIS_PASSWORD']}@redis:6379/0"
    answer = composefile.config(compose, values, tmp_path)
    assert answer.returncode == 0, answer.stderr


def test_a_second_start_leaves_the_environment_alone(tmp_path: Path) -> None:
    target = tmp_path / ".env"
    target.write_text("GRAFANA_ADMIN_PASSWORD=mine\n")
    assert not _written(target)
    assert target.read_text() == "GRAFANA_ADMIN_PASSWORD=mine\n"


def test_the_services_named_in_configuration_are_there() -> None:
    """Alertmanager's receivers and Prometheus' targets, by the names Compose gives their containers."""
    names = set(composefile.services())
    texts = [*(ROOT / "stack").rglob("*.yml"), composefile.FILE]
    hosts = {
        host
        for path in texts
        if "receivers" not in path.parts
        for host in re.findall(r"(?:https?://|targets: \[|smarthost: |@)([a-z][a-z-]*):\d", path.read_text())
    }
    assert {"prometheus", "loki", "jaeger", "mailpit", "alertsink", "orders", "worker", "postgres"} <= hosts
    assert hosts - names - {"localhost"} == set()


def _written(target: Path) -> bool:
    code = "import sys, pathlib, up; print(up.write_environment(*map(pathlib.Path, sys.argv[1:])))"
    answer = subprocess.run(
        [sys.executable, "-c", code, ROOT / ".env.example", target],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT / "stack",
    )
    return answer.stdout.strip() == "True"
