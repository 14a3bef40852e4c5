"""Writes the generated files of a service into the template: its OpenAPI schema and client.

    python tests/generated.py

Both depend on some questions. Each file is generated for all of their answers, and Jinja conditions
enclose the lines that differ; a test compares the rendered files with generated ones.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, groupby, product
from operator import itemgetter
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
# The questions that the files depend on, with the Jinja condition for each of their answers.
EXAMPLE = "example and database != 'none'"
QUESTIONS: dict[str, dict[object, str]] = {
    "example": {True: EXAMPLE, False: f"not ({EXAMPLE})"},
    "error_format": {name: f"error_format == '{name}'" for name in ("problem", "envelope")},
    "authentication": {
        name: f"authentication == '{name}'" for name in ("none", "sessions", "oidc")
    },
}
VARIANTS: list[Answers] = [
    dict(zip(QUESTIONS, answers, strict=True)) for answers in product(*QUESTIONS.values())
]
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

# A line with the indices in VARIANTS of those that have it.
Line = tuple[str, frozenset[int]]


def generate(service: Service) -> dict[str, str]:
    """Generate the files of a service with its own commands, and return them."""
    service.run(str(service.answers.get("project_slug", "my-service")), "openapi")
    run_npm(service.root / "client", "run", "generate")
    return {name: (service.root / name).read_text(encoding="utf-8") for name in FILES}


def merge(
    variants: Sequence[Sequence[str]], condition: Callable[[frozenset[int]], str]
) -> Iterator[str]:
    """The lines of a template that renders the lines of each variant.

    Args:
        variants: their lines.
        condition: the Jinja condition for variants, by their indices.
    """
    merged: list[Line] = []
    for index, lines in enumerate(variants):
        merged = [*align(merged, lines, index)]
    for indices, group in groupby(merged, key=itemgetter(1)):
        texts = [text for text, _ in group]
        if len(indices) == len(variants):
            yield from texts
        else:
            yield from (f"{{% if {condition(indices)} %}}", *texts, "{% endif %}")


def align(merged: Sequence[Line], lines: Sequence[str], index: int) -> Iterator[Line]:
    """Add the lines of one more variant."""
    matcher = SequenceMatcher(None, [text for text, _ in merged], lines, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield from ((text, indices | {index}) for text, indices in merged[start:end])
        else:
            yield from merged[start:end]
            yield from ((text, frozenset({index})) for text in lines[new_start:new_end])


def condition(indices: frozenset[int]) -> str:
    """A condition that holds for these variants only."""
    selections = [
        (frozenset(selected(choice)), choice)
        for choice in product(*(nonempty_subsets(conditions) for conditions in QUESTIONS.values()))
    ]
    terms: list[str] = []
    missing = indices
    while missing:
        possible = [selection for selection in selections if selection[0] <= indices]
        # The first of these is the shortest, since larger subsets come first.
        covered, choice = max(possible, key=lambda selection: len(selection[0] & missing))
        terms.append(describe(choice))
        missing -= covered
    return " or ".join(terms)


def nonempty_subsets(values: Collection[object]) -> list[tuple[object, ...]]:
    """All subsets of answers except the empty one, the largest first."""
    sizes = range(len(values), 0, -1)
    return [subset for size in sizes for subset in combinations(values, size)]


def selected(choice: Sequence[Sequence[object]]) -> Iterator[int]:
    """The indices of the variants whose answers are among those of each question."""
    for index, answers in enumerate(VARIANTS):
        pairs = zip(answers.values(), choice, strict=True)
        if all(answer in allowed for answer, allowed in pairs):
            yield index


def describe(choice: Sequence[Sequence[object]]) -> str:
    """The condition that the answers are among those of each question."""
    parts: list[str] = []
    for conditions, allowed in zip(QUESTIONS.values(), choice, strict=True):
        if len(allowed) < len(conditions):
            text = " or ".join(conditions[answer] for answer in allowed)
            parts.append(f"({text})" if len(allowed) > 1 else text)
    return " and ".join(parts)


def write(generated: Sequence[dict[str, str]]) -> None:
    """Write the files of the template from the generated files of all variants."""
    for name, target in FILES.items():
        lines = merge([texts[name].splitlines() for texts in generated], condition)
        text = join_lines(INFO.get(line, line) for line in lines)
        (FOLDER / target).write_text(text, encoding="utf-8")


def join_lines(lines: Iterable[str]) -> str:
    """The text of a template; a condition leaves no empty line, since the next line begins with it."""
    return "".join(line if line.startswith("{% ") else f"{line}\n" for line in lines)


def main() -> None:
    """Generate all variants in a temporary folder, and write the files of the template."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = take_snapshot(folder / "template")
        environments = Environments(folder / "environments")
        generated = []
        for number, answers in enumerate(VARIANTS):
            root = copy_release(template, folder / str(number), {**CLIENT, **answers})
            modules = root / "client/node_modules"
            if number:
                modules.symlink_to(folder / "0/client/node_modules")
            else:
                run_npm(root / "client", "install", "--no-package-lock", "--no-audit", "--no-fund")
            generated.append(generate(environments.install(root, answers)))
            print(json.dumps(answers), file=sys.stderr)
        write(generated)


if __name__ == "__main__":
    main()
