"""A Python file of a service, with what renames need to know about it."""

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
    """A Python file: its lines, its syntax tree, and what its names refer to.

    Args:
        text: the text of the file.
        path: the path relative to the root of the service.

    Raises:
        SyntaxError: Python cannot parse it.

    Attributes:
        imported: the dotted paths that each imported name refers to.
        bound: the number of bindings of each name, except by imports.
        constants: the constants that are not docstrings.
        words: the words in these constants.
    """

    def __init__(self, text: str, path: PurePath) -> None:
        self.text, self.path = text, path
        self.tree = ast.parse(text)
        # Split as by Python; `splitlines` also splits at other characters.
        self.lines = [*io.StringIO(text, newline="")]
        self.nodes = [*ast.walk(self.tree)]
        self.imports = [node for node in self.nodes if isinstance(node, ast.ImportFrom)]
        self.imported: dict[str, set[str]] = {}
        self.bound: Counter[str] = Counter()
        for node in self.nodes:
            self._add_import(node)
            self.bound.update(_names_bound_by(node))
        docstrings = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        constants = [node for node in self.nodes if isinstance(node, ast.Constant)]
        self.constants = [constant for constant in constants if id(constant) not in docstrings]
        self.words = {
            word for constant in self.constants for word in re.findall(r"\w+", str(constant.value))
        }

    def _add_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                path = alias.name if alias.asname else root
                self.imported.setdefault(alias.asname or root, set()).add(path)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                path = f"{self.source_module(node)}.{alias.name}"
                self.imported.setdefault(alias.asname or alias.name, set()).add(path)

    def source_module(self, node: ast.ImportFrom) -> str:
        """The absolute name of the module that a statement imports from."""
        if not node.level:
            return node.module or ""
        parts = [part for part in self.path.parent.parts if part != "src"]
        parts = parts[: len(parts) - node.level + 1]
        return ".".join([*parts, node.module] if node.module else parts)

    def dotted_path(self, node: ast.expr) -> str:
        """The dotted path that a name or attribute refers to; empty if it is ambiguous."""
        if isinstance(node, ast.Attribute):
            parent = self.dotted_path(node.value)
            return f"{parent}.{node.attr}" if parent else ""
        paths = self.imported.get(node.id, set()) if isinstance(node, ast.Name) else set()
        is_bound = isinstance(node, ast.Name) and self.bound[node.id]
        return "" if is_bound or len(paths) != 1 else next(iter(paths))

    def find_uses(self, name: str) -> list[ast.Name]:
        """The uses of a variable of this name."""
        return [node for node in self.nodes if isinstance(node, ast.Name) and node.id == name]

    def find_attributes(self, path: str) -> list[ast.Attribute]:
        """The attributes that refer to a dotted path."""
        attributes = [node for node in self.nodes if isinstance(node, ast.Attribute)]
        return [node for node in attributes if self.dotted_path(node) == path]

    def is_in_string(self, node: ast.AST) -> bool:
        """Whether an expression is in an f-string, where `ast` may have a wrong position."""
        strings = [string for string in self.nodes if isinstance(string, ast.JoinedStr)]
        return any(node in ast.walk(string) for string in strings)

    def offset(self, line: int, column: int) -> int:
        """The offset in the text of a position in the tree, whose columns count UTF-8 bytes."""
        before = self.lines[line - 1].encode()[:column].decode()
        return sum(map(len, self.lines[: line - 1])) + len(before)

    def statement_lines(self, node: ast.stmt) -> list[str]:
        """The lines of a statement."""
        return self.lines[node.lineno - 1 : node.end_lineno]

    def trailing_comment(self, node: ast.stmt) -> str | None:
        """The comment after a statement, or ""; None if its lines have other statements."""
        lines = self.statement_lines(node)
        before = lines[0].encode()[: node.col_offset].decode()
        after = lines[-1].encode()[node.end_col_offset :].decode().rstrip()
        return None if before.strip() or not re.fullmatch(r"(\s*#.*)?", after) else after

    def is_rewritable(self, node: ast.stmt) -> bool:
        """Whether a statement is alone on its lines and has no comment inside."""
        if self.trailing_comment(node) is None:
            return False
        tokens = [*tokenize.generate_tokens(iter(self.statement_lines(node)).__next__)]
        last = next(index for index, token in enumerate(tokens) if token.type == tokenize.NEWLINE)
        # The last token before the newline may be the trailing comment.
        return all(token.type != tokenize.COMMENT for token in tokens[: last - 1])

    def write_import(self, node: ast.ImportFrom, source: str, names: list[str]) -> list[str]:
        """The lines of an import that replaces a statement, formatted as by ruff."""
        old, comment = self.statement_lines(node), self.trailing_comment(node) or ""
        indent = old[0][: node.col_offset]
        newline = "\r\n" if old[0].endswith("\r\n") else "\n"
        line = f"{indent}from {source} import {', '.join(names)}"
        has_trailing_comma = re.search(r",\s*\)", "".join(old)) is not None
        if len(line) <= LINE_LENGTH and not (len(names) > 1 and has_trailing_comma):
            return [line + comment + newline]
        wrapped = [f"from {source} import (", *(f"    {name}," for name in names), f"){comment}"]
        return [indent + line + newline for line in wrapped]

    def import_block(self, node: ast.ImportFrom) -> list[ast.ImportFrom]:
        """The consecutive imports of one package, which a linter sorts, around a statement."""
        package = self.source_module(node).partition(".")[0]
        imports = sorted(
            (
                statement
                for statement in self.imports
                if self.source_module(statement).partition(".")[0] == package
            ),
            key=lambda statement: statement.lineno,
        )
        block = [node]
        for statement in imports:
            if self._follows(statement, block[-1]):
                block.append(statement)
        for statement in reversed(imports):
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
            # Type parameters are new in Python 3.12.
            yield str(getattr(node, "name", ""))
