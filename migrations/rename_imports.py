"""Rewrites the imports of names that a release moves to another module.

A step in the `_migrations` of `copier.yml` runs this in the service when its update is done:

    rename_imports.py MODULE:NAME=NEW_MODULE …

It changes `from MODULE import NAME` in every Python file that git tracks, and nothing else: no text,
no comment, no attribute of an imported module.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# The new module of each name, by its old module and its own name.
Moves = Mapping[tuple[str, str], str]


def read_moves(words: list[str]) -> Moves:
    """Read the command line."""
    moves = {}
    for word in words:
        old, _, new = word.partition("=")
        module, _, name = old.partition(":")
        moves[module, name] = new
    return moves


def rename_imports(text: str, moves: Moves) -> str:
    """Rewrite the imports in the text of a module, which is returned as it is if it has none."""
    lines = text.splitlines(keepends=True)
    # From the last one on, so that the numbers of the lines before it stay true.
    for node in reversed([*ast.walk(ast.parse(text))]):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            _rewrite(lines, node, moves)
    return "".join(lines)


def _rewrite(lines: list[str], node: ast.ImportFrom, moves: Moves) -> None:
    module, end = node.module or "", node.end_lineno or node.lineno
    moved = [each for each in node.names if (module, each.name) in moves]
    if not moved:
        return
    indent = lines[node.lineno - 1][: node.col_offset]
    written = [
        f"{indent}from {moves[module, each.name]} import {ast.unparse(each)}\n" for each in moved
    ]
    if kept := [each for each in node.names if each not in moved]:
        written.append(f"{indent}from {module} import {', '.join(map(ast.unparse, kept))}\n")
    elif len(moved) == 1:
        # Its comments and its parentheses stay.
        statement = "".join(lines[node.lineno - 1 : end])
        new = moves[module, moved[0].name]
        written = [re.sub(rf"\b{re.escape(module)}\b", new, statement, count=1)]
    del lines[node.lineno - 1 : end]
    for statement in written:
        _insert(lines, node.lineno - 1, statement)


def _insert(lines: list[str], position: int, statement: str) -> None:
    # Where a linter that sorts imports expects it, among those of the lines right above.
    while position and _is_after(lines[position - 1], statement):
        position -= 1
    lines.insert(position, statement)


def _is_after(line: str, statement: str) -> bool:
    pattern = re.compile(r"(\s*)from ([\w.]+) import ")
    one, other = pattern.match(line), pattern.match(statement)
    return bool(
        one
        and other
        and one[1] == other[1]
        and one[2].partition(".")[0] == other[2].partition(".")[0]
        and one[2] > other[2]
    )


def main(words: list[str]) -> None:
    """Do what the documentation of this module says, in the folder that it is run in."""
    moves = read_moves(words)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py"], capture_output=True, check=True, text=True
    )
    for path in filter(Path.is_file, map(Path, listed.stdout.split("\0"))):
        try:
            before = path.read_bytes().decode()
            after = rename_imports(before, moves)
        except (SyntaxError, ValueError):
            # With conflict markers in it, for example; the team has to look at it anyway.
            continue
        if after != before:
            path.write_bytes(after.encode())
            print(f"{path} imports from where the release has moved a name to.")


if __name__ == "__main__":
    main(sys.argv[1:])
