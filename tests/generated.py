"""Writes the generated files of a service into the template: its OpenAPI schema and client.

    python tests/generated.py

Both depend on two questions. Each file is generated for all of their answers, and Jinja conditions
enclose the lines that differ; a test compares the rendered files with generated ones.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path

from harness import TEMPLATE, Answers, Environments, Service, copy_release, take_snapshot
from node import run_npm

FOLDER = TEMPLATE / "template"
SWITCH = "{% if typescript_client %}"
# The files by their names in a service, with their names in the template.
FILES = {
    "openapi.json": f"{SWITCH}openapi.json{{% endif %}}.jinja",
    "client/src/generated/sdk.gen.ts": f"{SWITCH}client{{% endif %}}/src/generated/sdk.gen.ts.jinja",
    "client/src/generated/types.gen.ts": (
        f"{SWITCH}client{{% endif %}}/src/generated/types.gen.ts.jinja"
    ),
}
EXAMPLE = "example and database != 'none'"
PROBLEM = "error_format == 'problem'"
CLIENT: Answers = {"typescript_client": True}
# Lines of a service with the default texts, with the Jinja that replaces them.
INFO = {
    '    "title": "My Service",': '    "title": {{ project_name | to_json(ensure_ascii=false) }},',
    '    "description": "A FastAPI service",': (
        "{%- if project_description %}\n"
        '    "description": {{ project_description | to_json(ensure_ascii=false) }},\n'
        "{%- endif %}"
    ),
}
VARIANTS: list[Answers] = [
    {"example": example, "error_format": error_format}
    for example, error_format in product([True, False], ["problem", "envelope"])
]


def generate(service: Service) -> dict[str, str]:
    """Generate the files of a service with its own commands, and return them."""
    service.run(str(service.answers.get("project_slug", "my-service")), "openapi")
    run_npm(service.root / "client", "run", "generate")
    return {name: (service.root / name).read_text(encoding="utf-8") for name in FILES}


def merge(condition: str, one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The lines of a template that renders `one` if a condition holds, and `other` if not."""
    for tag, start, end, other_start, other_end in SequenceMatcher(
        None, one, other, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            yield from one[start:end]
            continue
        if start == end:
            yield f"{{% if not ({condition}) %}}"
        else:
            yield f"{{% if {condition} %}}"
            yield from one[start:end]
            if other_start != other_end:
                yield "{% else %}"
        yield from other[other_start:other_end]
        yield "{% endif %}"


def write(generated: Sequence[dict[str, str]]) -> None:
    """Write the files of the template from the generated files of all variants."""
    for name, target in FILES.items():
        problem, envelope, bare_problem, bare_envelope = (
            texts[name].splitlines() for texts in generated
        )
        lines = merge(
            PROBLEM,
            [*merge(EXAMPLE, problem, bare_problem)],
            [*merge(EXAMPLE, envelope, bare_envelope)],
        )
        # A condition is at the start of the next line, so that it leaves no empty line.
        text = "".join(
            line if line.startswith("{% ") else f"{INFO.get(line, line)}\n" for line in lines
        )
        (FOLDER / target).write_text(text, encoding="utf-8")


def main() -> None:
    """Generate all variants in a temporary folder, and write the files of the template."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = take_snapshot(folder / "template")
        environments = Environments(folder / "environments")
        generated = []
        for number, answers in enumerate(VARIANTS):
            root = copy_release(template, folder / str(number), {**CLIENT, **answers})
            run_npm(root / "client", "install", "--no-package-lock", "--no-audit", "--no-fund")
            generated.append(generate(environments.install(root, answers)))
            shutil.rmtree(root / "client/node_modules")
            print(json.dumps(answers), file=sys.stderr)
        write(generated)


if __name__ == "__main__":
    main()
