"""`breaking_changes.py` reports changes that break clients, and no others."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import yaml
from harness import Renders, git, run

ITEMS = "/api/v1/items"
ITEM = f"{ITEMS}/{{item_id}}"
PART = "/shops/{shop}/parts/{part}"

Schema = dict[str, Any]
Change = Callable[[Schema], object]


@pytest.fixture(scope="module")
def service(render: Renders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A copy, since Python writes bytecode beside the module.
    folder = tmp_path_factory.mktemp("loaded") / "service"
    return shutil.copytree(render(typescript_client=True), folder)


@pytest.fixture(scope="module")
def checker(service: Path) -> ModuleType:
    spec = spec_from_file_location(
        "breaking_changes", service / "tests/foundation/breaking_changes.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # `dataclass` looks its module up there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def schema(service: Path) -> Schema:
    schema: Schema = json.loads((service / "openapi.json").read_text(encoding="utf-8"))
    # In another order than in the path.
    parameters = [
        {"in": "path", "name": name, "required": True, "schema": {"type": kind}}
        for name, kind in [("part", "integer"), ("shop", "string")]
    ]
    schema["paths"][PART] = {"get": {"parameters": parameters, "responses": {}}}
    return schema


def operation(schema: Schema, method: str, path: str) -> Schema:
    operation: Schema = schema["paths"][path][method]
    return operation


def model(schema: Schema, name: str) -> Schema:
    model: Schema = schema["components"]["schemas"][name]
    return model


def field(schema: Schema, name: str, field: str) -> Schema:
    properties: Schema = model(schema, name)["properties"]
    return cast("Schema", properties[field])


def limit(schema: Schema) -> Schema:
    return next(p for p in operation(schema, "get", ITEMS)["parameters"] if p["name"] == "limit")


BREAKING: dict[str, tuple[Change, str]] = {
    "a removed operation": (
        lambda s: s["paths"][ITEM].pop("delete"),
        "DELETE /api/v1/items/{} was removed",
    ),
    "a removed path": (
        lambda s: s["paths"].pop("/health/live"),
        "GET /health/live was removed",
    ),
    "a parameter becomes required": (
        lambda s: limit(s).update(required=True),
        "GET /api/v1/items: query limit is now required",
    ),
    "a new required parameter": (
        lambda s: operation(s, "get", ITEMS)["parameters"].append(
            {"in": "header", "name": "x-shop", "required": True, "schema": {"type": "string"}}
        ),
        "GET /api/v1/items: header x-shop is now required",
    ),
    "a smaller maximum": (
        lambda s: limit(s)["schema"].update(maximum=50),
        "GET /api/v1/items: query limit now has maximum 50",
    ),
    "a larger minimum": (
        lambda s: limit(s)["schema"].update(minimum=2),
        "GET /api/v1/items: query limit now has minimum 2",
    ),
    "a new maximum": (
        lambda s: field(s, "ItemCreate", "name").update(maxLength=100),
        "POST /api/v1/items: body/name now has maxLength 100",
    ),
    "a pattern": (
        lambda s: limit(s)["schema"].update(pattern="^[0-9]+$"),
        "GET /api/v1/items: query limit now has pattern ^[0-9]+$",
    ),
    "a field becomes required": (
        lambda s: model(s, "ItemCreate")["required"].append("description"),
        "POST /api/v1/items: body/description is now required",
    ),
    "a field of another type": (
        lambda s: field(s, "ItemCreate", "name").update(type="integer"),
        "POST /api/v1/items: body/name no longer accepts string",
    ),
    "a field becomes non-nullable": (
        lambda s: field(s, "ItemCreate", "description")["anyOf"].pop(),
        "POST /api/v1/items: body/description no longer accepts null",
    ),
    "a new enum": (
        lambda s: field(s, "ItemCreate", "name").update(enum=["lamp"]),
        "POST /api/v1/items: body/name now accepts only 'lamp'",
    ),
    "additional fields become forbidden": (
        lambda s: (
            model(s, "ItemCreate").update(additionalProperties=False),
            model(s, "ItemCreate")["properties"].pop("description"),
        ),
        "POST /api/v1/items: body/description is no longer accepted",
    ),
    "another media type": (
        lambda s: operation(s, "post", ITEMS)["requestBody"].update(
            content={"multipart/form-data": {}}
        ),
        "POST /api/v1/items: body is no longer application/json",
    ),
    "another status code": (
        lambda s: operation(s, "post", ITEMS)["responses"].update(
            {"200": operation(s, "post", ITEMS)["responses"].pop("201")}
        ),
        "POST /api/v1/items: response 201 was removed",
    ),
    "a removed field of a response": (
        lambda s: (
            model(s, "ItemRead")["properties"].pop("name"),
            model(s, "ItemRead")["required"].remove("name"),
        ),
        "GET /api/v1/items/{}: response 200/name was removed",
    ),
    "a field in a list becomes optional": (
        lambda s: model(s, "ItemRead")["required"].remove("created_at"),
        "GET /api/v1/items: response 200/items/*/created_at can now be missing",
    ),
    "a field of a response becomes nullable": (
        lambda s: field(s, "ItemRead", "name").update(type=["string", "null"]),
        "GET /api/v1/items/{}: response 200/name can now be null",
    ),
    "a removed field of an error": (
        lambda s: model(s, "Problem")["properties"].pop("errors"),
        "GET /health/live: response default/errors was removed",
    ),
    "a renamed operation": (
        lambda s: operation(s, "get", ITEMS).update(operationId="all_items"),
        "GET /api/v1/items: operationId changed from list_items to all_items",
    ),
    "another type of the second path parameter": (
        lambda s: s["paths"][PART]["get"]["parameters"][0]["schema"].update(type="string"),
        "GET /shops/{}/parts/{}: path part no longer accepts integer",
    ),
    "a removed parameter": (
        lambda s: operation(s, "get", ITEMS)["parameters"].remove(limit(s)),
        "GET /api/v1/items: query limit was removed",
    ),
    "a field of an error becomes optional": (
        lambda s: model(s, "Problem")["required"].remove("code"),
        "GET /health/live: response default/code can now be missing",
    ),
}


def rename_path_parameters(schema: Schema) -> None:
    item = schema["paths"].pop(PART)
    schema["paths"]["/shops/{b}/parts/{a}"] = item
    for parameter in item["get"]["parameters"]:
        parameter["name"] = {"shop": "b", "part": "a"}[parameter["name"]]


HARMLESS: dict[str, Change] = {
    "nothing": lambda s: None,
    "a new operation": lambda s: s["paths"].update({"/new": s["paths"]["/health/live"]}),
    "a renamed path parameter": lambda s: (
        s["paths"].update({f"{ITEMS}/{{id}}": s["paths"].pop(ITEM)}),
        [
            parameter.update(name="id")
            for item_operation in s["paths"][f"{ITEMS}/{{id}}"].values()
            for parameter in item_operation["parameters"]
        ],
    ),
    "two renamed path parameters": rename_path_parameters,
    "a new parameter": lambda s: operation(s, "get", ITEMS)["parameters"].append(
        {"in": "query", "name": "sort", "required": False, "schema": {"type": "string"}}
    ),
    "a new field": lambda s: model(s, "ItemCreate")["properties"].update(tag={"type": "string"}),
    "a field becomes optional": lambda s: model(s, "ItemCreate")["required"].remove("name"),
    "a field becomes nullable": lambda s: field(s, "ItemCreate", "name").update(
        type=["string", "null"]
    ),
    "a number instead of an integer": lambda s: limit(s)["schema"].update(type="number"),
    "wider limits": lambda s: (
        limit(s)["schema"].update(maximum=1000, minimum=0),
        field(s, "ItemCreate", "name").pop("pattern"),
    ),
    "a new field of a response": lambda s: (
        model(s, "ItemRead")["properties"].update(tag={"type": "string"}),
        model(s, "ItemRead")["required"].append("tag"),
    ),
    "a field of a response becomes non-nullable": lambda s: field(s, "ItemRead", "description")[
        "anyOf"
    ].pop(),
    "a new error code": lambda s: field(s, "Problem", "code")["enum"].append("shelf_is_full"),
    "another summary": lambda s: operation(s, "get", ITEMS).update(summary="Everything"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_changes_are_found(checker: ModuleType, schema: Schema, name: str) -> None:
    change, line = BREAKING[name]
    before = copy.deepcopy(schema)
    change(schema)
    assert line in checker.breaking_changes(before, schema)


@pytest.mark.parametrize(
    ("before", "now", "line"),
    [
        ({}, {"type": "string"}, "no longer accepts every value"),
        ({"enum": ["lamp", "desk"]}, {"enum": ["lamp"]}, "no longer accepts 'desk'"),
    ],
)
def test_fewer_values_of_a_field_are_reported(
    checker: ModuleType, schema: Schema, before: Schema, now: Schema, line: str
) -> None:
    old, new = copy.deepcopy(schema), copy.deepcopy(schema)
    model(old, "ItemCreate")["properties"]["name"] = before
    model(new, "ItemCreate")["properties"]["name"] = now
    assert checker.breaking_changes(old, new) == [f"POST /api/v1/items: body/name {line}"]


def test_a_response_of_any_type_is_reported(checker: ModuleType, schema: Schema) -> None:
    before = copy.deepcopy(schema)
    field(schema, "ItemRead", "name").pop("type")
    line = "GET /api/v1/items/{}: response 200/name can now be any value"
    assert line in checker.breaking_changes(before, schema)


@pytest.mark.parametrize("name", HARMLESS)
def test_compatible_changes_are_not_reported(
    checker: ModuleType, schema: Schema, name: str
) -> None:
    before = copy.deepcopy(schema)
    HARMLESS[name](schema)
    assert checker.breaking_changes(before, schema) == []


def test_recursive_models_terminate(checker: ModuleType, schema: Schema) -> None:
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/ItemCreate"}}
    model(schema, "ItemCreate")["properties"]["parts"] = tree
    assert checker.breaking_changes(schema, copy.deepcopy(schema)) == []


@pytest.mark.parametrize(
    ("before", "now", "announced"),
    [
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "1.0.0", True),
        ("0.1.0", "0.1.1", False),
        ("0.2.0", "0.1.9", False),
        ("1.4.0", "2.0.0", True),
        ("1.4.0", "1.5.0", False),
        ("9.0.0", "10.0.0", True),
    ],
)
def test_a_new_version_announces_breaking_changes(
    checker: ModuleType, before: str, now: str, announced: bool
) -> None:
    assert checker.is_announced(before, now) is announced


class TestCommand:
    """The command that the workflow of a service runs."""

    @pytest.fixture
    def root(self, service: Path, tmp_path: Path) -> Path:
        git(tmp_path, "init", "--quiet", "--initial-branch=main")
        root = shutil.copytree(service, tmp_path / "services/orders")
        (root / "openapi.json").rename(tmp_path / "openapi.json")
        git(tmp_path, "add", "services")
        git(tmp_path, "commit", "--quiet", "--message", "Without a schema")
        (tmp_path / "openapi.json").rename(root / "openapi.json")
        git(tmp_path, "add", "services")
        git(tmp_path, "commit", "--quiet", "--message", "With a schema")
        return root

    def check(self, root: Path, commit: str) -> tuple[int, str]:
        # From another folder, and without the dependencies of the service.
        command = [sys.executable, str(root / "tests/foundation/breaking_changes.py"), commit]
        done = run(command, root.parent)
        return done.returncode, done.stdout + done.stderr

    def change(self, root: Path, version: str) -> None:
        path = root / "openapi.json"
        schema = json.loads(path.read_text(encoding="utf-8"))
        schema["paths"].pop("/health/live")
        schema["info"]["version"] = version
        path.write_text(json.dumps(schema), encoding="utf-8")

    def test_fails_and_lists_the_breaking_changes(self, root: Path) -> None:
        self.change(root, "0.1.0")
        code, output = self.check(root, "main")
        assert code == 1
        assert output.splitlines()[:2] == ["Breaking changes:", "GET /health/live was removed"]

    def test_passes_with_a_new_version(self, root: Path) -> None:
        self.change(root, "0.2.0")
        assert self.check(root, "main") == (
            0,
            "Breaking changes of version 0.2.0:\nGET /health/live was removed\n",
        )

    def test_passes_without_breaking_changes(self, root: Path) -> None:
        assert self.check(root, "main") == (0, "No breaking changes.\n")

    def test_passes_if_the_commit_has_no_schema(self, root: Path) -> None:
        self.change(root, "0.1.0")
        expected = "Nothing was compared: main^ has no openapi.json.\n"
        assert self.check(root, "main^") == (0, expected)

    def test_fails_for_an_unknown_commit(self, root: Path) -> None:
        code, output = self.check(root, "nowhere")
        assert code == 1
        assert output.splitlines()[1:] == [
            "git cannot read commit 'nowhere', for the reason above. If the commit is missing, fetch it,"
            " or pass another one such as origin/main."
        ]

    def test_fails_outside_of_a_repository_for_that_reason(self, service: Path) -> None:
        code, output = self.check(service, "main")
        assert code == 1
        assert output.startswith("fatal: not a git repository")
        assert "\ngit cannot read commit 'main', for the reason above. " in output


def test_the_workflow_compares_with_the_base_branch(service: Path) -> None:
    text = (service / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["check"]["steps"]
    [step] = [step for step in steps if "breaking_changes" in step.get("run", "")]
    # GitHub checks out a merge commit, whose first parent is the base branch.
    assert step == {
        "if": "github.event_name == 'pull_request'",
        "run": "uv run python tests/foundation/breaking_changes.py HEAD^1",
    }
    assert steps[0]["with"]["fetch-depth"] == 2
