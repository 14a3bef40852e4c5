"""A service accepts the access tokens of a certified OpenID Provider, which runs over TLS.

https://openid.net/certification/
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Environments, Renders
from node import NEEDS_NPM
from provider import PACKAGE, provider_package, running_provider

pytestmark = [pytest.mark.slow, NEEDS_NPM]


def test_tokens_of_a_certified_provider_are_accepted(
    render: Renders, environments: Environments, shared: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(render(authentication="oidc"), tmp_path / "service")
    shutil.copy(PACKAGE / "test_provider.py", root / "tests")
    service = environments.install(root, {"authentication": "oidc"})
    with running_provider(provider_package(shared), tmp_path) as variables:
        service.run("pytest", "-q", "tests/test_provider.py", **variables)
