"""Writes the generated files of a service into the template: its OpenAPI schema and client.

    python tests/generated.py

Both depend on two questions. Each file is made for all of their answers, and what differs is put
between conditions; a test compares what the template renders with what is generated.
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
# The rendered name of each file, with the one that it has in the template.
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
# What differs from what the answers say, by the texts of a service of the defaults.
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
    """Run the commands that a team runs after a change of its API, and return the generated files."""
    service.run(str(service.answers.get("project_slug", "my-service")), "openapi")
    run_npm(service.root / "client", "run", "generate")
    return {name: (service.root / name).read_text(encoding="utf-8") for name in FILES}


def merge(condition: str, one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The lines of a template that are `one` where a condition is met, and else `other`."""
    for tag, start, end, others, end_of_others in SequenceMatcher(
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
            if others != end_of_others:
                yield "{% else %}"
        yield from other[others:end_of_others]
        yield "{% endif %}"


def write(generated: Sequence[dict[str, str]]) -> None:
    """Write the files of the template, given what is generated for each of the variants."""
    for name, target in FILES.items():
        problem, envelope, bare_problem, bare_envelope = (
            texts[name].splitlines() for texts in generated
        )
        lines = merge(
            PROBLEM,
            [*merge(EXAMPLE, problem, bare_problem)],
            [*merge(EXAMPLE, envelope, bare_envelope)],
        )
        # A condition stands at the beginning of the line after it, where it takes no line away.
        text = "".join(
            line if line.startswith("{% ") else f"{INFO.get(line, line)}\n" for line in lines
        )
        (FOLDER / target).write_text(text, encoding="utf-8")


def main() -> None:
    """Generate for all variants, in folders that are gone afterwards."""
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
