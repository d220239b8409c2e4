"""The fixtures of the one-line matrix: a project per Django version, each server started once per version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oneline.environments import TESTED, Environment, environment
from tests.oneline.project import startproject


@pytest.fixture(scope="session", params=TESTED, ids=lambda version: f"django{version}")
def django_environment(request: pytest.FixtureRequest) -> Environment:
    """Each Django version of the matrix in turn."""
    return environment(request.param)


@pytest.fixture(scope="module")
def project(django_environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh `startproject` of that version with the one line added."""
    return startproject(django_environment, tmp_path_factory.mktemp("project"))
