"""OpenTelemetry records spans of requests, natively in FastAPI and by the instrumentation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import Environments, Renders

pytestmark = pytest.mark.slow

SPANS = Path(__file__).with_name("telemetry") / "test_spans.py"
SDK = ["opentelemetry-sdk>=1.45,<2", "opentelemetry-instrumentation-fastapi>=0.66b0,<1"]


@pytest.mark.parametrize("spans", ["native", "instrumentation"])
def test_the_log_and_the_response_have_the_ids_of_the_span(
    render: Renders, environments: Environments, tmp_path: Path, spans: str
) -> None:
    root = shutil.copytree(render(), tmp_path / "service")
    project = root / "pyproject.toml"
    marker = "dependencies = [\n"
    added = "".join(f'    "{requirement}",\n' for requirement in SDK)
    text = project.read_text(encoding="utf-8").replace(marker, marker + added, 1)
    project.write_text(text, encoding="utf-8")
    shutil.copy(SPANS, root / "tests")
    service = environments.install(root, {})
    service.run("pytest", "-q", "tests/test_spans.py", SPANS=spans)
