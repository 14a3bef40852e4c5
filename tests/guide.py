"""Generates the tables of `tests/README.md` from docstrings and `breakages.toml`.

python tests/guide.py
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from breakages import BREAKAGES

GUIDE = Path(__file__).with_name("README.md")
TABLE = re.compile(r"^\|.*(\n\|.*)*", re.MULTILINE)


def guide() -> str:
    """The README with up-to-date tables."""
    tables = iter([modules(), breakages()])
    return TABLE.sub(lambda _: next(tables), GUIDE.read_text(encoding="utf-8"))


def modules() -> str:
    """The first paragraph of the docstring of each test module."""
    rows = []
    for path in sorted(GUIDE.parent.glob("test_*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append([f"`{path.name}`", docstring.partition("\n\n")[0]])
    return table(["module", "what it tests"], rows)


def breakages() -> str:
    """The breakages with the commands that catch them."""
    rows = [
        [
            breakage.name,
            "the template" if breakage.service is None else "a service",
            f"`{breakage.caught_by}`",
        ]
        for breakage in BREAKAGES.values()
    ]
    return table(["breakage", "tested in", "caught by"], rows)


def table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---" for _ in headers], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    GUIDE.write_text(guide(), encoding="utf-8", newline="\n")
