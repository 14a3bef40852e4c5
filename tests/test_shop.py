"""A shop of ten resources, with every type of field, reference and option, passes all checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from databases import serving
from harness import Environments
from node import NEEDS_NPM, run_npm
from schemas import check_schema

if TYPE_CHECKING:
    from generator import Generator

pytest_plugins = ["engines", "generator"]
# It takes several minutes; in the default run, a pair of resources passes the same checks.
pytestmark = [pytest.mark.slow, pytest.mark.nightly, NEEDS_NPM]

SHOP = """
Supplier name:str:80:unique:sort contact:email:unique page:url? rating:float:min=0:max=5:sort
Category name:str:80:unique:sort notes:text?
Tag name:str:40:unique:filter
Customer name:str:sort:filter contact:email:unique:filter born:date?:filter is_member:bool:filter:=false
Address street:str postal_code:str:12:filter customer:ref:Customer:cascade
Product name:str:120:unique:sort:filter code:uuid:unique price:decimal:10,2:min=0:sort:filter\
 stock:int:min=0:max=100000:index:=0 sold:bigint:min=0:sort:filter:=0 details:json?\
 state:enum:draft,live,retired:filter:=draft supplier:ref:Supplier:filter\
 category:ref?:Category:set_null tags:many:Tag related_tags:many:Tag
OpeningHour day:enum:weekday,weekend opens:time closes:time supplier:ref:Supplier:cascade
Order placed_at:datetime:sort:filter state:enum:open,paid,sent:filter:=open notes:text?:min=3\
 customer:ref:Customer delivery:ref?:Address:set_null
OrderLine quantity:int:min=1:max=999 price:decimal:10,2:min=0 order:ref:Order:cascade\
 product:ref:Product
Review title:str?:60 text:text:min=10 stars:int:min=1:max=5:sort:filter language:str:2:=en\
 product:ref:Product:cascade:filter author:ref?:Customer:set_null
"""
OPTIONS = {
    "Category": ["--plural", "categories"],
    "Customer": ["--versioned"],
    "Product": ["--versioned"],
    "Order": ["--idempotent", "--versioned"],
    "OrderLine": ["--idempotent"],
}
# What a schema cannot say: in which order a cursor is valid, which version is current, which keys were
# used before, and how many digits a number has.
CONFIGURATION = """
[[operations]]
include-method = "GET"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 422]

[[operations]]
include-path-regex = "/(customers|products|orders)/[^/]+$"
exclude-method = "GET"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 412]
checks.missing_required_header.expected-statuses = [428]

[[operations]]
include-path-regex = "/(order|product)"
exclude-method = "GET"
checks.positive_data_acceptance.expected-statuses = ["2xx", 404, 409, 412, 422]

[[operations]]
include-path-regex = "/order"
checks.ensure_resource_availability.enabled = false
"""


@pytest.mark.parametrize(
    "generator",
    [
        pytest.param({"typescript_client": True}, id="sqlite"),
        pytest.param(
            {"typescript_client": True, "database": "postgresql", "error_format": "envelope"},
            id="postgresql",
        ),
    ],
    indirect=True,
)
def test_a_shop_passes_all_checks(
    generator: Generator, environments: Environments, client_tools: Path, tmp_path: Path
) -> None:
    service = generator.service
    for line in SHOP.strip().splitlines():
        name, *fields = line.split()
        generator.create(name, *fields, *OPTIONS.get(name, []))

    generator.check(environments)

    service.run("alembic", "upgrade", "head")
    with serving(service, "--no-access-log") as client:
        check_schema(client, tmp_path, 10, CONFIGURATION)

    service.run("my-service", "openapi")
    (service.root / "client/node_modules").symlink_to(client_tools)
    run_npm(service.root / "client", "run", "generate")
    run_npm(service.root / "client", "run", "check")
