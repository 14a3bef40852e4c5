"""Behaviour that can break only when the template breaks: tests that services do not have.

`tests/rendered/` has them, laid out like the package and written like files of the template. They are
rendered into a service as `tests/rendered/`, beside its own tests and with the same fixtures.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness import SUITE, Environments, Renders, passed_summary
from matrix import CELLS

pytestmark = pytest.mark.slow

SERVICES = {
    "sqlite": {},
    "postgresql": {**CELLS["all-on"], "database": "postgresql"},
    "none": {"database": "none", "cors": False},
}


@pytest.mark.parametrize("name", SERVICES)
def test_every_case_passes(
    render_all: Renders,
    environments: Environments,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, str], None],
    name: str,
) -> None:
    service = environments.install(render_all(**SERVICES[name]), SERVICES[name])
    if name == "postgresql":
        address: Callable[[str], str] = request.getfixturevalue("postgresql")
        service.variables["TEST_DATABASE_URL"] = address("test-rendered")
    record_property(SUITE, passed_summary(service.run("pytest", "tests/rendered")))
