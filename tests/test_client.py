"""The rendered TypeScript client is up to date and compiles; code that misuses it does not."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from generated import FILES, VARIANTS, generate
from harness import TEMPLATE, Answers, Environments, Renders
from node import NEEDS_NPM, NODE, attempt_node, run_node, run_npm

pytestmark = [pytest.mark.slow, NEEDS_NPM]

FIX_HINT = "run `python tests/generated.py`"
CLIENT = TEMPLATE / "template/{% if typescript_client %}client{% endif %}"
FRONTEND = TEMPLATE / "tests/frontend"
TESTS = TEMPLATE / "tests/client"

USE = """\
import {
  type ApiError, type ErrorCode, createClient, createItem, everyRow, getItem, listItems, messageAt,
} from "./index";
import { explain } from "./explain";

const client = createClient({ baseUrl: "" });
const created = await createItem({ client, body: { name: "lamp" } });
const message: string | undefined = messageAt(created.error, "/name");
const name: string | undefined = created.data?.name;
for await (const { id } of everyRow((cursor) => listItems({ client, query: { cursor } }))) {
  const found = await getItem({ client, path: { item_id: id } });
  const code: ErrorCode | undefined = found.error?.code;
}
const thrown = await getItem({ client, path: { item_id: "" }, throwOnError: true });
const sure: string = thrown.data.name;
const describe = (error: ApiError): string => explain(error);
"""
# Replacements in USE, with the error of the compiler.
MISUSES = {
    "unknown-field": ('{ name: "lamp" }', '{ name: "lamp", colour: 1 }', "TS2353"),
    "missing-field": ('{ name: "lamp" }', "{}", "TS2741"),
    "field-with-another-type": ('{ name: "lamp" }', "{ name: 7 }", "TS2322"),
    "unknown-parameter": ("{ cursor }", "{ page: 1 }", "TS2353"),
    "parameter-with-another-type": ("{ cursor }", '{ limit: "2" }', "TS2322"),
    "missing-path-parameter": ("{ client, path: { item_id: id } }", "{ client }", "TS2345"),
    "missing-client": ("{ client, query", "{ query", "TS2345"),
    "data-without-error-check": ("created.data?.name", "created.data.name", "TS18048"),
    "unknown-error-code": ("explain(error)", 'error.code === "x" ? "" : ""', "TS2367"),
    "operation-without-pages": (
        "listItems({ client, query: { cursor } })",
        "createItem({ client, body: { name: String(cursor) } })",
        "TS2322",
    ),
}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(
            answers,
            # These have every answer, and so nearly every part of the generated files.
            marks=[] if answers in VARIANTS[::5] else [pytest.mark.nightly],
            id="-".join(map(str, answers.values())),
        )
        for answers in VARIANTS
    ],
)
def test_the_rendered_client_is_the_generated_one(
    render: Renders,
    environments: Environments,
    client_tools: Path,
    tmp_path: Path,
    answers: Answers,
) -> None:
    root = shutil.copytree(render(typescript_client=True, **answers), tmp_path / "service")
    (root / "client/node_modules").symlink_to(client_tools)
    rendered = {name: (root / name).read_text(encoding="utf-8") for name in FILES}

    generated = generate(environments.install(root, answers))
    assert [name for name in FILES if generated[name] != rendered[name]] == [], FIX_HINT
    run_npm(root / "client", "run", "check")


@pytest.mark.parametrize("error_format", ["problem", "envelope"])
def test_misuse_does_not_compile(
    render: Renders, client_tools: Path, tmp_path: Path, error_format: str
) -> None:
    service = render(typescript_client=True, error_format=error_format)
    client = shutil.copytree(service / "client", tmp_path / "client")
    (client / "node_modules").symlink_to(client_tools)
    explain = (FRONTEND / "app/explain.ts").read_text(encoding="utf-8")
    explain = explain.replace("my-service-client", "./index")
    incomplete = explain.replace('    case "conflict":\n', "")
    assert incomplete != explain
    for name, text in {"explain": explain, "incomplete": incomplete, "use": USE}.items():
        (client / f"src/{name}.ts").write_text(text, encoding="utf-8")
    for name, (correct, wrong, _) in MISUSES.items():
        assert correct in USE, name
        text = USE.replace(correct, wrong, 1)
        (client / f"src/{name}.ts").write_text(text, encoding="utf-8")

    _, output = attempt_node(client, "node_modules/.bin/tsc")

    errors = dict(re.findall(r"^src/(.+)\.ts\(.*?\): error (TS\d+)", output, re.MULTILINE))
    # TS2366: the function does not return for one of the codes.
    expected = {name: code for name, (_, _, code) in MISUSES.items()} | {"incomplete": "TS2366"}
    assert errors == expected, output


def test_the_client_sends_what_the_operations_declare(
    render: Renders, client_tools: Path, tmp_path: Path
) -> None:
    service = shutil.copytree(render(typescript_client=True), tmp_path / "service")
    client = service / "client"
    (client / "node_modules").symlink_to(client_tools)
    # FastAPI's schemas for uploads, forms, lists, headers, files and events.
    schema = json.loads((service / "openapi.json").read_text(encoding="utf-8"))
    more = json.loads((TESTS / "more.json").read_text(encoding="utf-8"))
    schema["paths"] |= more["paths"]
    schema["components"]["schemas"] |= more["schemas"]
    (service / "openapi.json").write_text(json.dumps(schema), encoding="utf-8")
    run_npm(client, "run", "generate")
    run_npm(client, "run", "check")

    for name in ("hooks.mjs", "http.test.ts"):
        shutil.copy(TESTS / name, client / "src")
    run_node(client / "src", NODE, "--import", "./hooks.mjs", "--test", "http.test.ts")


def test_the_client_calls_on_unauthorized(
    render: Renders, client_tools: Path, tmp_path: Path
) -> None:
    service = render(typescript_client=True, authentication="sessions")
    client = shutil.copytree(service / "client", tmp_path / "client")
    (client / "node_modules").symlink_to(client_tools)
    for name in ("hooks.mjs", "authentication.test.ts"):
        shutil.copy(TESTS / name, client / "src")
    run_node(client / "src", NODE, "--import", "./hooks.mjs", "--test", "authentication.test.ts")


def test_no_type_is_any() -> None:
    sources = [*CLIENT.rglob("*.ts*"), *FRONTEND.glob("app/*"), FRONTEND / "next.config.ts"]
    texts = {
        path: path.read_text(encoding="utf-8") for path in sources if ".gen.ts" not in path.name
    }
    assert len(texts) > 8
    assert [
        path for path, text in texts.items() if re.search(r"\b(as|<|:) ?any\b|@ts-", text)
    ] == []
