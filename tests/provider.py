"""Runs an OpenID Provider from npm over TLS."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import trustme
from harness import TEMPLATE, make_once
from httpx2 import Client
from node import NODE, run_npm

PACKAGE = TEMPLATE / "tests/provider"
# Seconds that it may take to stop.
TIMEOUT = 20


def install_provider(folder: Path) -> None:
    """Install the provider from npm."""
    shutil.copytree(PACKAGE, folder, dirs_exist_ok=True)
    run_npm(folder, "ci", "--no-audit", "--no-fund")


def provider_package(shared: Path) -> Path:
    """The folder of `provider.mjs` with what it needs."""
    return make_once(shared / "provider", install_provider)


def write_certificate(folder: Path) -> None:
    """Write a certificate for localhost, with its key and its authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))


@contextmanager
def running_provider(package: Path, folder: Path, *arguments: str) -> Iterator[dict[str, str]]:
    """Run the provider, and yield the variables of a client that trusts it."""
    write_certificate(folder)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [NODE, str(package / "provider.mjs"), str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, "NODE_ENV": "test"},
            text=True,
        )
    with process:
        try:
            assert process.stdout is not None
            # An empty line if it exits.
            issuer = process.stdout.readline().strip()
            assert issuer, (folder / "log").read_text(encoding="utf-8")
            yield {"ISSUER": issuer, "SSL_CERT_FILE": str(folder / "authority.pem")}
        finally:
            process.terminate()
            process.wait(TIMEOUT)


def request_token(variables: Mapping[str, str], resource: str, scope: str) -> str:
    """Request an access token of the provider whose variables `running_provider` has yielded."""
    form = {"grant_type": "client_credentials", "scope": scope, "resource": resource}
    context = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
    with Client(auth=("client", "secret"), verify=context) as client:
        response = client.post(f"{variables['ISSUER']}/token", data=form)
    return str(response.raise_for_status().json()["access_token"])
