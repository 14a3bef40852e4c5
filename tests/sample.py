"""Writes the sample resource into the template, with the templates of `tools/resource.py`.

    python tests/sample.py

It is rendered for each answer to `authentication`; Jinja conditions enclose the lines that differ.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from generated import join_lines, merge
from harness import TEMPLATE, copy_release, files_in, run, take_snapshot, tool

PACKAGE = "src/{{ package_name }}"
WITH_DATABASE = "{% if example and database != 'none' %}"
# The files by their names in a service, with their names in the template.
FILES = {
    "src/my_service/api/v1/items.py": f"{PACKAGE}/api/v1/{WITH_DATABASE}items.py{{% endif %}}.jinja",
    "src/my_service/schemas/item.py": f"{PACKAGE}/schemas/{WITH_DATABASE}item.py{{% endif %}}.jinja",
    "src/my_service/services/items.py": (
        f"{PACKAGE}/services/{WITH_DATABASE}items.py{{% endif %}}.jinja"
    ),
    "src/my_service/db/models/item.py": (
        f"{PACKAGE}/{{% if database != 'none' %}}db{{% endif %}}"
        "/models/{% if example %}item.py{% endif %}.jinja"
    ),
    "tests/api/v1/test_items.py": f"tests/{WITH_DATABASE}api{{% endif %}}/v1/test_items.py.jinja",
    "tests/services/test_items.py": (
        f"tests/{WITH_DATABASE}services{{% endif %}}/test_items.py.jinja"
    ),
}
RESOURCE = {"name": "Item", "fields": ["name:str:200:unique", "description:str?:2000"]}
USERS = {"write_scope": "items:write", "anonymous_reads": True}
AUTHENTICATION = ("none", "sessions", "oidc")
# Of the variants of a line, by their indices in AUTHENTICATION.
CONDITIONS = {
    frozenset({0}): "authentication == 'none'",
    frozenset({1}): "authentication == 'sessions'",
    frozenset({2}): "authentication == 'oidc'",
    frozenset({1, 2}): "authentication != 'none'",
    frozenset({0, 2}): "authentication != 'sessions'",
    frozenset({0, 1}): "authentication != 'oidc'",
}


def render_sample(
    template: Path, service: Path, folder: Path, authentication: str
) -> Mapping[str, str]:
    """Render the sample as `tools/resource.py` does, and return its files by their paths.

    Args:
        template: the template.
        service: a service, whose configuration of ruff applies.
        folder: where to write the files.
        authentication: the answer to that question.
    """
    resource = RESOURCE | ({} if authentication == "none" else USERS)
    answers = {"authentication": authentication, "resource": resource}
    written = copy_release(template, folder, answers)
    config = f"--config={service / 'pyproject.toml'}"
    for words in (["check", "--fix", "--select=F401,I"], ["format"]):
        run([tool("ruff"), *words, "--no-cache", "--quiet", config, str(written)], written)
    return {path: file.read_text(encoding="utf-8") for path, file in files_in(written).items()}


def main() -> None:
    """Render all variants in a temporary folder, and write the files of the template."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = take_snapshot(folder / "template")
        service = copy_release(template, folder / "service", {})
        variants = [
            render_sample(template, service, folder / kind, kind) for kind in AUTHENTICATION
        ]
    for path in variants[0]:
        lines = merge([files[path].splitlines() for files in variants], CONDITIONS.__getitem__)
        text = join_lines(lines).replace("my_service", "{{ package_name }}")
        (TEMPLATE / "template" / FILES[path]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
