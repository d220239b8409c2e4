"""What a release would upload: the sdist, the wheel built from it, and the tests as the sdist has them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Distribution:
    """The two files of a release."""

    sdist: Path
    wheel: Path

    def requirements(self) -> list[Requirement]:
        """What the wheel asks for, that of its extras included (theirs carry a marker)."""
        with zipfile.ZipFile(self.wheel) as archive:
            [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            metadata = Parser().parsestr(archive.read(name).decode())
        return [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]

    def unpack(self, folder: Path) -> Path:
        """The sdist's files in `folder` without the package, so that what is installed is imported there."""
        shutil.rmtree(folder, ignore_errors=True)
        with tarfile.open(self.sdist) as archive:
            archive.extractall(folder, filter="data")
        [tree] = folder.iterdir()
        shutil.rmtree(tree / "django_observe")
        return tree


def build(folder: Path) -> Distribution:
    """Builds the sdist from the working tree, and the wheel from that sdist."""
    shutil.rmtree(folder, ignore_errors=True)
    argv = [sys.executable, "-m", "build", "--quiet", "--outdir", str(folder), str(ROOT)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Distribution(sdist, wheel)
