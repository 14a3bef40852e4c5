"""A Python file of a service, as renames see it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePath

LINE_LENGTH = 100


class Module:
    """A Python file: its lines, its syntax tree, and what its names stand for.

    Args:
        text: the text of the file.
        path: where it is, from the root of the service.

    Raises:
        SyntaxError: Python cannot read it.

    Attributes:
        imported: what each imported name stands for, as dotted paths.
        bound: how often each name is bound by anything but an import.
        texts: the constants that are no docstrings.
        words: the words in them.
    """

    def __init__(self, text: str, path: PurePath) -> None:
        self.text, self.path = text, path
        self.tree = ast.parse(text)
        # As Python counts lines; `splitlines` breaks them at other characters too.
        self.lines = [*io.StringIO(text, newline="")]
        self.nodes = [*ast.walk(self.tree)]
        self.imports = [node for node in self.nodes if isinstance(node, ast.ImportFrom)]
        self.imported: dict[str, set[str]] = {}
        self.bound: Counter[str] = Counter()
        for node in self.nodes:
            self._note_import(node)
            self.bound.update(_names_bound_by(node))
        docstrings = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        constants = [node for node in self.nodes if isinstance(node, ast.Constant)]
        self.texts = [text for text in constants if id(text) not in docstrings]
        self.words = {word for text in self.texts for word in re.findall(r"\w+", str(text.value))}

    def _note_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                path = alias.name if alias.asname else root
                self.imported.setdefault(alias.asname or root, set()).add(path)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                path = f"{self.source_of(node)}.{alias.name}"
                self.imported.setdefault(alias.asname or alias.name, set()).add(path)

    def source_of(self, node: ast.ImportFrom) -> str:
        """The module that a statement imports from; a relative one in full."""
        if not node.level:
            return node.module or ""
        parts = [part for part in self.path.parent.parts if part != "src"]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, node.module] if node.module else parts)

    def path_of(self, node: ast.expr) -> str:
        """The dotted path that a name or an attribute stands for, if imports alone say so."""
        if isinstance(node, ast.Attribute):
            parent = self.path_of(node.value)
            return f"{parent}.{node.attr}" if parent else ""
        paths = self.imported.get(node.id, set()) if isinstance(node, ast.Name) else set()
        is_bound = isinstance(node, ast.Name) and self.bound[node.id]
        return "" if is_bound or len(paths) != 1 else next(iter(paths))

    def uses_of(self, name: str) -> list[ast.Name]:
        """The expressions that read a variable of this name."""
        return [node for node in self.nodes if isinstance(node, ast.Name) and node.id == name]

    def attributes_at(self, path: str) -> list[ast.Attribute]:
        """The attributes that stand for a dotted path."""
        attributes = [node for node in self.nodes if isinstance(node, ast.Attribute)]
        return [node for node in attributes if self.path_of(node) == path]

    def is_in_string(self, node: ast.AST) -> bool:
        """Whether an expression is in an f-string, where its position is not always true."""
        strings = [string for string in self.nodes if isinstance(string, ast.JoinedStr)]
        return any(node in ast.walk(string) for string in strings)

    def offset(self, line: int, column: int) -> int:
        """The offset in the text of a position in the tree, whose columns are bytes of UTF-8."""
        before = self.lines[line - 1].encode()[:column].decode()
        return sum(map(len, self.lines[: line - 1])) + len(before)

    def lines_of(self, node: ast.stmt) -> list[str]:
        """The lines of a statement."""
        return self.lines[node.lineno - 1 : node.end_lineno]

    def comment_behind(self, node: ast.stmt) -> str | None:
        """The comment behind a statement, or nothing; None where there are other statements."""
        lines = self.lines_of(node)
        before = lines[0].encode()[: node.col_offset].decode()
        behind = lines[-1].encode()[node.end_col_offset :].decode().rstrip()
        return None if before.strip() or not re.fullmatch(r"(\s*#.*)?", behind) else behind

    def is_rewritable(self, node: ast.stmt) -> bool:
        """Whether a statement has its lines to itself and no comment inside."""
        if self.comment_behind(node) is None:
            return False
        tokens = [*tokenize.generate_tokens(iter(self.lines_of(node)).__next__)]
        last = next(index for index, token in enumerate(tokens) if token.type == tokenize.NEWLINE)
        # The one behind the statement is the last before the end of its line.
        return all(token.type != tokenize.COMMENT for token in tokens[: last - 1])

    def write_import(self, node: ast.ImportFrom, source: str, names: list[str]) -> list[str]:
        """Replace an import statement with another one, formatted as by ruff."""
        old, comment = self.lines_of(node), self.comment_behind(node) or ""
        indent = old[0][: node.col_offset]
        newline = "\r\n" if old[0].endswith("\r\n") else "\n"
        line = f"{indent}from {source} import {', '.join(names)}"
        has_trailing_comma = re.search(r",\s*\)", "".join(old)) is not None
        if len(line) <= LINE_LENGTH and not (len(names) > 1 and has_trailing_comma):
            return [line + comment + newline]
        broken = [f"from {source} import (", *(f"    {name}," for name in names), f"){comment}"]
        return [indent + line + newline for line in broken]

    def block_of(self, node: ast.ImportFrom) -> list[ast.ImportFrom]:
        """The imports of one package, line by line, among which a linter sorts a statement."""
        package = self.source_of(node).partition(".")[0]
        around = sorted(
            (
                statement
                for statement in self.imports
                if self.source_of(statement).partition(".")[0] == package
            ),
            key=lambda statement: statement.lineno,
        )
        block = [node]
        for statement in around:
            if self._follows(statement, block[-1]):
                block.append(statement)
        for statement in reversed(around):
            if self._follows(block[0], statement):
                block.insert(0, statement)
        return block

    def _follows(self, node: ast.ImportFrom, other: ast.ImportFrom) -> bool:
        is_next = node.lineno == (other.end_lineno or other.lineno) + 1
        return is_next and node.col_offset == other.col_offset and self.is_rewritable(node)


def _names_bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case (
            ast.FunctionDef(name=str(name))
            | ast.AsyncFunctionDef(name=str(name))
            | ast.ClassDef(name=str(name))
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case _ if type(node).__name__ in {"TypeVar", "ParamSpec", "TypeVarTuple"}:
            # Type parameters, which Python has had only since 3.12.
            yield str(getattr(node, "name", ""))
