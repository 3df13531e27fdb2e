"""Certificates of one test run, made by the command openssl: an authority, servers, and a client."""

from __future__ import annotations

import subprocess
from pathlib import Path

NEW_KEY = ("-newkey", "rsa:2048", "-nodes")  # Broker-J takes no keys of elliptic curves


class Certificates:
    """PEM files in a folder. The authority did not sign `stranger`, and `other_host` is for a host that is none of ours."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.authority, self._authority_key = self._self_signed("authority")
        self.stranger, _ = self._self_signed("stranger")
        self.server, self.server_key = self._signed("server", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1", "serverAuth")
        self.other_host, self.other_host_key = self._signed("other-host", "other.example", "subjectAltName=DNS:other.example", "serverAuth")
        self.client, self.client_key = self._signed("client", user, f"subjectAltName=DNS:{user}.example", "clientAuth")

    def _path(self, name: str, suffix: str) -> Path:
        return self._folder / f"{name}.{suffix}.pem"

    def _self_signed(self, name: str) -> tuple[Path, Path]:
        certificate, key = self._path(name, "certificate"), self._path(name, "key")
        openssl("req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(certificate))
        return certificate, key

    def _signed(self, name: str, common_name: str, alternative: str, usage: str) -> tuple[Path, Path]:
        certificate, key, request = self._path(name, "certificate"), self._path(name, "key"), self._path(name, "request")
        extensions = self._folder / f"{name}.extensions"
        extensions.write_text(f"basicConstraints=critical,CA:FALSE\n{alternative}\nextendedKeyUsage={usage}\n")
        openssl("req", "-new", *NEW_KEY, "-subj", f"/CN={common_name}", "-keyout", str(key), "-out", str(request))
        openssl("x509", "-req", "-in", str(request), "-CA", str(self.authority), "-CAkey", str(self._authority_key), "-CAcreateserial",
                "-days", "2", "-extfile", str(extensions), "-out", str(certificate))
        return certificate, key


def openssl(*arguments: str) -> None:
    """Runs the command, and shows what it said where it fails."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}: {done.stderr}")
