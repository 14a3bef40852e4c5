"""Reads text answers from the files of a service in which they appear."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from harness import ANSWERS_FILE, TEMPLATE, Answers, load_extension
from jinja2 import Environment, FileSystemLoader, StrictUndefined, meta
from markdown_it import MarkdownIt
from matrix import TEXTS, resolve

CONDITION = re.compile(r"{% if .*? %}(.*?){% endif %}")
# Most files have this one, so `mentions` skips it.
PACKAGE = "package_name"

Reader = Callable[[str], Any]


def _assigned(variable: str) -> Reader:
    """Reads the value of a variable from a Python file."""

    def read(source: str) -> Any:
        for node in ast.walk(ast.parse(source)):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ) if name == variable:
                    return ast.literal_eval(value)
        return None

    return read


def _matched(pattern: str) -> Reader:
    """Reads the first group of a pattern; no match is an empty text."""

    def read(text: str) -> str:
        match = re.search(pattern, text, re.MULTILINE)
        return (match[1] or "") if match else ""

    return read


def _project(*keys: str) -> Reader:
    """Reads a value of `pyproject.toml`."""

    def read(text: str) -> Any:
        value: Any = tomllib.loads(text)
        for key in keys:
            value = value[key]
        return value

    return read


def _displayed(kind: str) -> Reader:
    """Reads the displayed title or first paragraph of a Markdown file."""

    def read(text: str) -> str:
        top = text.partition("\n## ")[0] + "\n\n---\n"
        tokens = MarkdownIt("commonmark").enable("strikethrough").parse(top)
        assert tokens[-1].type == "hr", "the text changes the Markdown below it"
        kinds = [token.type for token in tokens]
        if f"{kind}_open" not in kinds:
            return ""
        parts = tokens[kinds.index(f"{kind}_open") + 1].children or []
        assert {part.type for part in parts} <= {"text"}, "the text has Markdown in it"
        return "".join(part.content for part in parts)

    return read


def _image(text: str) -> str:
    """Reads the name of the image in an overlay."""
    [image] = yaml.safe_load(text)["images"]
    assert image["newName"] == f"registry.example.com/{image['name']}"
    return str(image["name"])


# By question and file; `*` is the name of the package.
READERS: dict[tuple[str, str], Reader] = {
    ("project_name", "README.md"): _displayed("heading"),
    ("project_name", "src/*/core/foundation_settings.py"): _assigned("project_name"),
    ("project_slug", "pyproject.toml"): _project("project", "name"),
    ("project_slug", "src/*/application.py"): _matched(r'metadata\("(.*)"\)'),
    ("project_slug", "src/*/runtime.py"): _matched(r'version\("(.*)"\)'),
    ("project_description", "README.md"): _displayed("paragraph"),
    ("project_description", "pyproject.toml"): _project("project", "description"),
    ("cors_origins", ".env.example"): _matched(r"^# APP_CORS_ORIGINS=(.*)$"),
    ("cors_origins", "src/*/core/cors.py"): _assigned("LOCAL_ORIGINS"),
    ("cors_origin_regex", ".env.example"): _matched(r"^# APP_CORS_ORIGIN_REGEX=(.*)$"),
    ("cors_origin_regex", "src/*/core/cors.py"): _assigned("LOCAL_ORIGIN_REGEX"),
    ("project_slug", "tools/resource.py"): _matched(r"uv run (\S+) openapi"),
    ("project_slug", "README.md"): _matched(r"`([^`]*)-client`"),
    ("project_slug", "Procfile"): _matched(r"^([^#:]+): uv run"),
    ("project_slug", ".github/workflows/ci.yml"): lambda text: yaml.safe_load(text)["name"],
    ("project_slug", ".gitlab-ci.yml"): _matched(r"^(.*)-check:$"),
    ("project_slug", "client/package.json"): _matched(r'"name": "(.*)-client"'),
    ("project_slug", "AGENTS.md"): _matched(r"^uv run (.*) openapi    #"),
    ("project_slug", ".pre-commit-config.yaml"): _matched(r"--frozen (.*) openapi$"),
    ("project_slug", "tests/foundation/api/test_client.py"): _assigned("NAME"),
    ("project_slug", "tests/foundation/test_repository.py"): _assigned("NAME"),
    ("project_name", "openapi.json"): lambda text: json.loads(text)["info"]["title"],
    ("project_description", "openapi.json"): (
        lambda text: json.loads(text)["info"].get("description", "")
    ),
    ("service_path", "README.md"): _matched(r"^The service lives in `(.*)`\. "),
    ("service_path", "AGENTS.md"): _matched(r"^.*Run commands in `(.*)`, "),
    ("service_path", "Procfile"): _matched(r" runs in (.*); "),
    ("service_path", ".github/workflows/ci.yml"): _matched(r'^ +working-directory: "(.*)"$'),
    ("service_path", ".github/dependabot.yml"): _matched(r'^    directories: \["/(.*)/client"\]$'),
    ("service_path", ".gitlab-ci.yml"): _matched(r"^    - cd (.*)$"),
    ("service_path", "tests/foundation/test_repository.py"): _assigned("SERVICE_PATH"),
    ("project_slug", "Dockerfile"): _matched(r'^LABEL org.opencontainers.image.title="(.*)" '),
    ("project_slug", ".devcontainer/devcontainer.json"): lambda text: json.loads(text)["name"],
    ("service_path", ".devcontainer/devcontainer.json"): (
        lambda text: json.loads(text)["workspaceFolder"].removeprefix("/workspace/")
    ),
    ("service_path", ".devcontainer/compose.yaml"): _matched(r'working_dir: "/workspace/(.*)"$'),
    ("port", ".devcontainer/devcontainer.json"): (
        lambda text: str(json.loads(text)["forwardPorts"][0])
    ),
    ("project_slug", "compose.yaml"): lambda text: yaml.safe_load(text)["name"],
    ("service_path", "Dockerfile"): _matched(r"^WORKDIR /repository/(.*)$"),
    ("service_path", "Dockerfile.dockerignore"): _matched(r"^!(.*)/src$"),
    ("service_path", "compose.yaml"): _matched(r'^    dockerfile: "(.*)/Dockerfile"$'),
    ("port", "compose.yaml"): _matched(r'ports: \["127\.0\.0\.1:(.*):8000"\]'),
    ("port", "README.md"): _matched(r"`http://127\.0\.0\.1:(.*)/docs`"),
    ("port", "Procfile"): _matched(r"^[^#:]+: uv run fastapi dev --port (.*)$"),
    ("project_slug", "deploy/kubernetes/base/workloads.yaml"): _matched(r'^ +image: "(.*)"$'),
    ("project_slug", "deploy/kubernetes/overlays/production/kustomization.yaml"): _image,
    ("project_slug", "deploy/kubernetes/overlays/staging/kustomization.yaml"): _image,
    (PACKAGE, "pyproject.toml"): _project("tool", "uv", "build-backend", "module-name"),
}
# The answers for a service with all of these files.
EVERYWHERE: Answers = {
    "layout": "monorepo",
    "service_path": "api",
    "typescript_client": True,
    "error_tracking": "sentry",
    "database": "postgresql",
    "container": True,
    "deploy": "kubernetes",
    "hooks": True,
}
# What templates see of questions that are skipped.
SKIPPED: Answers = {"service_path": "", "port": "8000", "example": False, "deploy": "none"}
FILES = sorted({pattern for _, pattern in READERS} | {ANSWERS_FILE})

_JINJA = Environment(
    loader=FileSystemLoader(TEMPLATE / "template"),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    # The filters of Copier, and those of the template.
    extensions=[
        "jinja2_ansible_filters.AnsibleCoreFiltersExtension",
        load_extension(TEMPLATE, "answers").Answers,
        load_extension(TEMPLATE, "documentation").Documentation,
    ],
)


def _path_pattern(template: Path) -> str:
    name = template.relative_to(TEMPLATE / "template").as_posix().removesuffix(".jinja")
    return CONDITION.sub(r"\1", name).replace("{{ package_name }}", "*")


def mentions() -> Iterator[tuple[str, str]]:
    """The text questions that each template mentions, except the package name."""
    for template in sorted((TEMPLATE / "template").rglob("*.jinja")):
        names = meta.find_undeclared_variables(_JINJA.parse(template.read_text(encoding="utf-8")))
        yield from ((name, _path_pattern(template)) for name in TEXTS if name in names - {PACKAGE})


@cache
def _templates() -> dict[str, str]:
    found = {_path_pattern(path): path for path in (TEMPLATE / "template").rglob("*.jinja")}
    found[ANSWERS_FILE] = TEMPLATE / "template/{{ _copier_conf.answers_file }}.jinja"
    return {
        pattern: found[pattern].relative_to(TEMPLATE / "template").as_posix() for pattern in FILES
    }


def render_files(answers: Answers) -> dict[str, str]:
    """Render only the files with texts, a hundred times as fast as a service."""
    recorded = resolve({**EVERYWHERE, **answers})
    context = {**SKIPPED, **recorded, "_copier_answers": recorded}
    return {
        pattern: _JINJA.get_template(template).render(context)
        for pattern, template in _templates().items()
    }


def find_text_files(service: Path) -> dict[str, str]:
    """The files with texts that a rendered service has: their paths with their patterns."""
    found = {
        path.relative_to(service).as_posix(): pattern
        for pattern in FILES
        for path in service.glob(pattern)
    }
    assert len(found) == len({*found.values()})
    return found


def read_files(service: Path) -> dict[str, str]:
    """Read the files with texts of a rendered service, by their patterns."""
    return {
        pattern: (service / name).read_text(encoding="utf-8")
        for name, pattern in find_text_files(service).items()
    }


def assert_files_have(files: Mapping[str, str], answers: Answers) -> None:
    """Check that every file has the answers."""
    recorded = yaml.safe_load(files[ANSWERS_FILE])
    for name, answer in answers.items():
        assert recorded[name] == answer, name
    for (name, pattern), read in READERS.items():
        if name in answers and pattern in files:
            assert read(files[pattern]) == answers[name], f"{name} in {pattern}"
