"""The archives of brokers that Maven Central holds: fetched once, by Maven, into a folder that stays."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"


@dataclass(frozen=True)
class Archive:
    """One archive, and the folder that lies in it."""

    group: str
    artifact: str
    version: str
    packaging: str
    top: str

    def unpacked(self, downloads: Path) -> Path:
        """Where it lies unpacked; fetches it where it does not yet."""
        target = downloads / f"{self.artifact}-{self.version}"
        if not target.is_dir():
            unfinished = downloads / f"{self.artifact}-{self.version}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            self._unpack(self._fetch(downloads), unfinished)
            (unfinished / self.top).rename(target)
            shutil.rmtree(unfinished)
        return target

    def _fetch(self, downloads: Path) -> Path:
        repository = downloads / "maven"
        done = subprocess.run(
            ["mvn", "-q", "-B", f"-Dmaven.repo.local={repository}", f"{MAVEN_PLUGIN}:get", "-Dtransitive=false",
             f"-Dartifact={self.group}:{self.artifact}:{self.version}:{self.packaging}:bin"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=900)
        file = repository / self.group.replace(".", "/") / self.artifact / self.version / f"{self.artifact}-{self.version}-bin.{self.packaging}"
        if done.returncode != 0 or not file.exists():
            raise RuntimeError(f"Maven does not fetch {self.artifact} {self.version}:\n{done.stdout}{done.stderr}")
        return file

    def _unpack(self, file: Path, target: Path) -> None:
        if self.packaging == "zip":
            with zipfile.ZipFile(file) as archive:
                archive.extractall(target)
        else:
            with tarfile.open(file) as packed:
                packed.extractall(target)
