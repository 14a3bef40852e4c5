"""Builds the manifests of a service as `kubectl apply --kustomize` does."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import run, tool
from matrix import REQUIRED

NEEDS_KUBECTL = pytest.mark.skipif(
    sys.platform == "darwin" and not shutil.which("kubectl"),
    reason="no manifest was built: install kubectl, of which PyPI has no wheel for macOS",
)
ENVIRONMENTS = ["staging", "production"]
ANSWERS: dict[str, object] = {**REQUIRED["deploy"], "deploy": "kubernetes"}

Manifest = dict[str, Any]
# The manifests of an environment, by kind.
Manifests = dict[str, Manifest]


def kubectl(*words: str) -> list[str]:
    """A command of kubectl."""
    return [shutil.which("kubectl") or "" if sys.platform == "darwin" else tool("kubectl"), *words]


@cache
def build(service: Path, environment: str) -> Manifests:
    """Build the manifests of an environment; those of a service are built once."""
    done = run(kubectl("kustomize", f"deploy/kubernetes/overlays/{environment}"), service)
    assert done.returncode == 0, done.stderr
    manifests = [*yaml.safe_load_all(done.stdout)]
    by_kind = {manifest["kind"]: manifest for manifest in manifests}
    assert len(by_kind) == len(manifests)
    return by_kind


def pods(manifests: Manifests) -> Iterator[Manifest]:
    """The templates of the pods: of the server, and of the migrations."""
    for kind in ("Deployment", "Job"):
        if kind in manifests:
            yield manifests[kind]["spec"]["template"]


def container(pod: Manifest) -> dict[str, Any]:
    """The one container of a pod."""
    [found] = pod["spec"]["containers"]
    assert isinstance(found, dict)
    return found
