"""The distribution: what its two files hold and say, and that the core needs none of the extras."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.versions.bounds import lowest
from tests.versions.distribution import Distribution, build
from tests.versions.sessions import NAMED, OF_THE_TREE, SUPPORTED

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("celery", "gunicorn", "httpx", "platformdirs", "psycopg", "redis", "rest_framework", "uvicorn")
OF_US = {Path(__file__).with_name(f"test_{name}.py") for name in OF_THE_TREE}
PYTHONS = sorted({python for pythons in SUPPORTED.values() for python in pythons})


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    """The sdist, and the wheel that an installer builds from it."""
    return build(tmp_path_factory.mktemp("distribution"))


@pytest.fixture(scope="module")
def wheel(distribution: Distribution) -> zipfile.ZipFile:
    return zipfile.ZipFile(distribution.wheel)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(in_metadata(wheel, "METADATA")).decode())


def in_metadata(wheel: zipfile.ZipFile, end: str) -> str:
    [name] = [name for name in wheel.namelist() if ".dist-info/" in name and name.endswith(end)]
    return name


def test_the_wheel_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    files = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "django_observe").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "django_observe/py.typed" in files
    assert files - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_beside_the_package(wheel: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"django_observe"}


def test_the_wheel_declares_the_script_and_the_pytest_plugin(wheel: zipfile.ZipFile) -> None:
    lines = wheel.read(in_metadata(wheel, "entry_points.txt")).decode().splitlines()
    assert {"django-observe = django_observe.cli:main", "django_observe = django_observe.testing"} <= set(
        lines
    )


def test_the_wheel_has_every_licence_and_tells_what_is_inside_of_others(wheel: zipfile.ZipFile) -> None:
    """PEP 639 and PEP 770: what a licence scan and an SBOM tool look for."""
    vendor = "django_observe/console/static/console/vendor"
    licences = {name.split("/licenses/")[1] for name in wheel.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", f"{vendor}/dagre/LICENSE", f"{vendor}/uplot/LICENSE"}
    told = json.loads(wheel.read(in_metadata(wheel, "sboms/vendored.cdx.json")))["components"]
    inside = json.loads(wheel.read(f"{vendor}/manifest.json"))
    assert [(part["name"], part["version"], part["licenses"][0]["license"]["id"]) for part in told] == [
        (package["name"], package["version"], package["license"]) for package in inside
    ]


def test_the_sdist_holds_what_a_distributor_builds_and_tests_with(distribution: Distribution) -> None:
    with tarfile.open(distribution.sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    wanted = {"django_observe", "tests", "docs", "dashboards", "demo_services", "stack", "pyproject.toml"}
    assert wanted | {"LICENSE", "README.md", "CHANGELOG.md", "PKG-INFO"} <= tops
    assert tops & {".demo", ".venv", ".venv-matrix", "build", "dist", ".env"} == set()


def test_the_metadata_says_what_is_supported(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier", [])
    assert {f"Framework :: Django :: {django}" for django in SUPPORTED} == {
        name for name in classifiers if re.fullmatch(r"Framework :: Django :: [\d.]+", name)
    }
    assert {f"Programming Language :: Python :: {python}" for python in PYTHONS} == {
        name for name in classifiers if re.fullmatch(r"Programming Language :: Python :: [\d.]+\.\d+", name)
    }
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.10")


def test_everything_a_user_installs_has_a_lower_bound(distribution: Distribution) -> None:
    """Which `make lowest` runs; `lowest` refuses a requirement without one."""
    assert len(lowest(distribution)) > 20


def test_the_workflow_runs_every_pair_that_django_supports() -> None:
    matrix = workflow()["jobs"]["tests"]["strategy"]["matrix"]
    left_out = {(pair["python"], pair["django"]) for pair in matrix["exclude"]}
    pairs = {(python, django) for python in matrix["python"] for django in matrix["django"]} - left_out
    assert pairs == {(python, django) for django, pythons in SUPPORTED.items() for python in pythons}


def test_the_workflow_runs_the_whole_suite_in_every_cell_and_every_session() -> None:
    jobs = workflow()["jobs"]
    assert steps("tests")[-1] == ".ci/run"
    assert jobs["tests"].get("if", jobs["sessions"].get("if")) is None
    assert steps("sessions")[-1] == "make ${{ matrix.session }}"
    targets = re.findall(r"-m tests\.versions (\w+)", (ROOT / "Makefile").read_text())
    listed = jobs["sessions"]["strategy"]["matrix"]["session"]
    assert sorted(listed) == sorted({*targets} - {"matrix"}) == sorted(NAMED)


def test_what_a_session_starts_is_there_in_the_workflow_and_its_lack_fails() -> None:
    """As `.ci/run` has it for the whole suite."""
    assert workflow()["jobs"]["sessions"]["env"]["OBSERVE_REQUIRE_REAL"] == "1"
    assert "export OBSERVE_REQUIRE_REAL=1" in (ROOT / ".ci/run").read_text()
    [install] = [step for step in steps("sessions") if "apt-get install" in step]
    files = {path for session in NAMED.values() for pattern in session.tests for path in ROOT.glob(pattern)}
    texts = "".join(
        path.read_text() for path in (*files, ROOT / "tests/oneline/broker.py") if path not in OF_US
    )
    started = set(re.findall(r'require\("[\w.-]+", "([\w.-]+)"\)', texts))
    assert "redis-server" in started
    assert started <= set(install.split())


def steps(job: str) -> list[str]:
    """What a job of the workflow runs, in order; a step under a condition, or that may fail, is none."""
    given = workflow()["jobs"][job]["steps"]
    return [step["run"] for step in given if "run" in step and not {"if", "continue-on-error"} & step.keys()]


def test_the_workflow_uses_no_action_that_can_change() -> None:
    """A tag can be moved to another commit; the version stands beside the commit for the reader."""
    used = re.findall(r"uses: (.*)", (ROOT / ".github/workflows/ci.yml").read_text())
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", line)] == []
    assert workflow()["permissions"] == {"contents": "read"}


def workflow() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    return parsed


def test_the_core_starts_without_any_extra() -> None:
    """A name that is None in sys.modules cannot be imported (Python reference, "The module cache")."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS})); import django; django.setup(); "
    ask = "from django.test import Client; print(Client().get('/ok/').status_code)"
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", hide + ask],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.stdout.splitlines()[-1:], finished.stderr) == (["200"], "")
