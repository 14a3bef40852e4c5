"""The client for a frontend is what is generated, and it compiles; misuse of it does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from generated import FILES, VARIANTS, generate
from harness import Answers, Environments, Renders
from node import NPM, run_npm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NPM is None, reason="there is no npm here: no client was compiled"),
]
MEND = "run `python tests/generated.py`"
MEND = "run `python tests/generated.py`"


@pytest.fixture(scope="module")
def tools(render: Renders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generator and the compiler, which are the same for all clients."""
    folder = tmp_path_factory.mktemp("tools")
    shutil.copy(render(typescript_client=True) / "client/package.json", folder)
    run_npm(folder, "install", "--no-package-lock", "--no-audit", "--no-fund")
    return folder / "node_modules"


@pytest.mark.xdist_group("client")
@pytest.mark.parametrize(
    "answers", VARIANTS, ids=lambda answers: "-".join(map(str, answers.values()))
)
def test_what_is_rendered_is_what_is_generated(
    render: Renders,
    environments: Environments,
    tools: Path,
    tmp_path: Path,
    answers: Answers,
) -> None:
    root = shutil.copytree(render(typescript_client=True, **answers), tmp_path / "service")
    (root / "client/node_modules").symlink_to(tools)
    rendered = {name: (root / name).read_text(encoding="utf-8") for name in FILES}

    generated = generate(environments.install(root, answers))
    assert [name for name in FILES if generated[name] != rendered[name]] == [], MEND
    run_npm(root / "client", "run", "check")
