"""Behaviour that only a change of the template can break; services do not have these tests.

They are the files of `tests/rendered/`, which has the layout of the package. A copy of the template
renders them into a service, beside its own tests and with the same fixtures.
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
def test_the_rendered_tests_pass(
    render_all: Renders,
    environments: Environments,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, str], None],
    name: str,
) -> None:
    service = environments.install(render_all(**SERVICES[name]), SERVICES[name])
    if name == "postgresql":
        database_url: Callable[[str], str] = request.getfixturevalue("postgresql")
        service.variables["TEST_DATABASE_URL"] = database_url("test-rendered")
    record_property(SUITE, passed_summary(service.run("pytest", "tests/rendered")))
