"""The libraries of others: the files that their manifest names, with licences; and what all of it weighs."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import django_observe.console
from tests.console.running import Console

STATIC = Path(django_observe.console.__file__).parent / "static" / "console"
VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())
MOST_BYTES = 80 * 1024


def test_every_vendored_file_is_the_one_that_the_manifest_names() -> None:
    named = {name: digest for package in MANIFEST for name, digest in package["sha256"].items()}
    found = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert found == named


def test_every_package_has_its_version_integrity_and_licence() -> None:
    for package in MANIFEST:
        assert package["version"]
        assert package["integrity"].startswith("sha512-")
        [licence] = [VENDOR / name for name in package["sha256"] if name.endswith("LICENSE")]
        assert "Permission is hereby granted" in licence.read_text()
        assert package["license"] == "MIT"


def test_vendored_files_are_served(console: Console) -> None:
    version = console.get("/settings").text.partition("/static/")[2].partition("/")[0]
    for package in MANIFEST:
        for name in package["sha256"]:
            status = console.get(f"/static/{version}/vendor/{name}").status
            assert status == (404 if name.endswith("LICENSE") else 200)


def test_all_scripts_and_styles_together_stay_small() -> None:
    files = [path for path in STATIC.rglob("*") if path.suffix in (".js", ".css")]
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in files}
    assert sum(sizes.values()) <= MOST_BYTES, sorted(sizes.items(), key=lambda pair: -pair[1])
