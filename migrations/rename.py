"""Rewrites the public names that a release renames or moves, in the code of a service.

A command in the `_migrations` of `copier.yml` runs this in the service after every update:

    rename.py PACKAGE VERSION_FROM

It applies the tables of `renames.yml` for the releases after VERSION_FROM to every Python file that
git tracks: to imports and uses, found in the syntax tree, but not to strings, comments and other
variables with the same name. If a use is ambiguous, it imports the new name under the old one,
`from m import New as Old`. It prints the files that it has changed, and the uses that the team must
change.
"""

from __future__ import annotations

import ast
import builtins
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml
from packaging.version import Version
from python_file import Module

# Old to new names, as module and name.
Renames = Mapping[tuple[str, str], tuple[str, str]]
# By offset in the text: the old and the new text.
Edits = dict[int, tuple[str, str]]
# The module of an import, its names, and its lines.
Statement = tuple[str, list[str], list[str]]


def read_renames(text: str, package: str, version_from: str) -> Iterator[Renames]:
    """Read the tables of the releases after a version, oldest first.

    Args:
        text: the tables of all releases, in YAML.
        package: the package of the service.
        version_from: the release before the update.
    """
    releases = {Version(version): names for version, names in yaml.safe_load(text).items()}
    for version in sorted(releases):
        if version > Version(version_from):
            names = releases[version].items()
            yield {_split(old, package): _split(new, package) for old, new in names}


def _split(name: str, package: str) -> tuple[str, str]:
    module, _, name = name.replace("{package}", package).partition(":")
    return module, name


def rename(module: Module, renames: Renames, others: Iterable[str] = ()) -> tuple[str, list[str]]:
    """Rewrite the names in one file.

    Args:
        module: the file.
        renames: the table of one release.
        others: names that other files import from modules that are not in the table.

    Returns:
        The new text, and a message for each use that it could not rewrite.
    """
    edits: Edits = {}
    unchanged = []
    for old, new in renames.items():
        if old[1] != new[1]:
            edits |= _rename_variable(module, old, new, {*others})
        for attribute in module.find_attributes(".".join(old)):
            if old[0] == new[0]:
                end = module.offset(attribute.end_lineno or 0, attribute.end_col_offset or 0)
                edits[end - len(old[1])] = (old[1], new[1])
            else:
                unchanged.append(f"{attribute.lineno}: {'.'.join(old)} is {'.'.join(new)}")
        for line in _unchanged_lines(module, old):
            unchanged.append(f"{line}: {'.'.join(old)} is {'.'.join(new)}")
    text = module.text
    for start, (before, after) in sorted(edits.items(), reverse=True):
        if text[start : start + len(before)] == before:
            text = text[:start] + after + text[start + len(before) :]
    text = _sort_names(module, text)
    return _move_imports(Module(text, module.path), renames, unchanged), unchanged


def _rename_variable(
    module: Module, old: tuple[str, str], new: tuple[str, str], others: set[str]
) -> Edits:
    edits = {}
    name, new_name = old[1], new[1]
    uses = module.find_uses(name)
    is_ours = module.imported.get(name) == {".".join(old)} and not module.bound[name]
    is_imported = module.imported.get(new_name) == {".".join(new)}
    is_free = is_imported or not (new_name in module.imported or module.find_uses(new_name))
    # A string may be a type or in `__all__`, and another file may import the name from this one.
    is_safe = is_free and not module.bound[new_name] and not {name} & (module.words | others)
    is_safe = is_safe and not any(map(module.is_in_string, uses))
    for node in module.imports:
        for alias in node.names:
            if (module.source_module(node), alias.name) == old:
                is_alone = alias.asname or (is_ours and is_safe)
                written = new_name if is_alone else f"{new_name} as {name}"
                edits[module.offset(alias.lineno, alias.col_offset)] = (name, written)
    # A merge may have renamed the import, but not its uses in lines of the team.
    is_undefined = is_imported and name not in {*module.imported, *module.bound, *dir(builtins)}
    if (is_ours and is_safe) or is_undefined:
        for use in uses:
            edits[module.offset(use.lineno, use.col_offset)] = (name, new_name)
    return edits


def _unchanged_lines(module: Module, old: tuple[str, str]) -> Iterator[int]:
    # A dotted path in a string, such as an argument of `monkeypatch.setattr`, or `import *`.
    path = re.compile(rf"(?<![\w.]){re.escape('.'.join(old))}\b")
    for constant in module.constants:
        if path.search(str(constant.value)):
            yield constant.lineno
    for node in module.imports:
        is_star = node.names[0].name == "*" and module.source_module(node) == old[0]
        if is_star and module.find_uses(old[1]):
            yield node.lineno


def _sort_names(before: Module, text: str) -> str:
    """Sort the imports of new names, unless they were not sorted before."""
    after = Module(text, before.path)
    old = {node.lineno: node for node in before.imports}
    new = {node.lineno: node for node in after.imports}
    changed = {line for line in old if _imported_names(old[line]) != _imported_names(new[line])}
    # Start from the last line, so that earlier line numbers do not change.
    while changed:
        block = after.import_block(new[max(changed)])
        statements: list[Statement] = []
        for node in block:
            names, old_names = _imported_names(node), _imported_names(old[node.lineno])
            statement = (after.source_module(node), names, after.statement_lines(node))
            is_kept = names == old_names or not after.is_rewritable(node)
            statements += [statement] if is_kept else _split_import(after, node, old_names)
        old_block = [_statement(before, old[node.lineno]) for node in block]
        _replace_block(after, block, statements, is_sorted=old_block == _sorted_block(old_block))
        changed -= {node.lineno for node in block}
    return "".join(after.lines)


def _split_import(module: Module, node: ast.ImportFrom, old_names: list[str]) -> list[Statement]:
    # A linter puts each name with an alias on its own line.
    names = [*dict.fromkeys(_imported_names(node))]
    if old_names == _sorted(old_names):
        names = _sorted(names)
    others = {name for name in names if " as " in name} - {*old_names} if len(names) > 1 else set()
    parts = [[name for name in names if name not in others], *([name] for name in sorted(others))]
    source, written = module.source_module(node), _source_as_written(node)
    return [(source, part, module.write_import(node, written, part)) for part in parts if part]


def _move_imports(module: Module, renames: Renames, unchanged: list[str]) -> str:
    """Import each name that has moved from its new module."""
    # Names are renamed already.
    moved = {(old[0], new[1]): new[0] for old, new in renames.items() if old[0] != new[0]}
    for node in module.imports:
        for alias in node.names:
            target = moved.get((module.source_module(node), alias.name))
            if target and (len(node.names) == 1 or module.is_rewritable(node)):
                text = _move_import(module, node, ast.unparse(alias), target)
                return _move_imports(Module(text, module.path), renames, unchanged)
            if target:
                old = f"{module.source_module(node)}.{alias.name}"
                unchanged.append(f"{node.lineno}: {old} is {target}.{alias.name}")
    return module.text


def _move_import(module: Module, node: ast.ImportFrom, name: str, target: str) -> str:
    block = module.import_block(node) if module.is_rewritable(node) else [node]
    before = [_statement(module, statement) for statement in block]
    statements = [*before]
    position = block.index(node)
    kept = [other for other in _imported_names(node) if other != name]
    if kept:
        written = module.write_import(node, _source_as_written(node), kept)
        statements[position] = (module.source_module(node), kept, written)
        moved = module.write_import(node, target, [name])
    else:
        # Keep its comments and parentheses.
        del statements[position]
        line = "".join(module.statement_lines(node))
        moved = [re.sub(r"\bfrom\s+\S+\s+import\b", f"from {target} import", line, count=1)]
    existing = next(
        (statement for statement in block if module.source_module(statement) == target), None
    )
    if existing and " as " not in "".join([name, *_imported_names(existing)]):
        names = _sorted({*_imported_names(existing), name})
        merged = (target, names, module.write_import(existing, target, names))
        statements[statements.index(_statement(module, existing))] = merged
    else:
        statements.insert(position, (target, [name], moved))
    _replace_block(module, block, statements, is_sorted=before == _sorted_block(before))
    return "".join(module.lines)


def _replace_block(
    module: Module, block: list[ast.ImportFrom], statements: list[Statement], *, is_sorted: bool
) -> None:
    statements = _sorted_block(statements) if is_sorted else statements
    lines = [line for _, _, written in statements for line in written]
    module.lines[block[0].lineno - 1 : block[-1].end_lineno] = lines


def _statement(module: Module, node: ast.ImportFrom) -> Statement:
    return module.source_module(node), _imported_names(node), module.statement_lines(node)


def _source_as_written(node: ast.ImportFrom) -> str:
    return "." * node.level + (node.module or "")


def _imported_names(node: ast.ImportFrom) -> list[str]:
    return [ast.unparse(alias) for alias in node.names]


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted(names, key=_sort_key)


def _sorted_block(statements: list[Statement]) -> list[Statement]:
    return sorted(statements, key=lambda statement: (statement[0], _sort_key(statement[1][0])))


def _sort_key(name: str) -> tuple[int, str, str]:
    # The order of ruff and isort: constants, classes, other names.
    is_constant = len(name) > 1 and name.partition(" ")[0].isupper()
    return 0 if is_constant else 1 if name[0].isupper() else 2, name.lower(), name


def names_from_elsewhere(module: Module, renames: Renames) -> set[str]:
    """The old names that a file uses from modules that are not in the table."""
    names = {
        alias.name
        for node in module.imports
        for alias in node.names
        if (module.source_module(node), alias.name) not in renames
    }
    for node in module.nodes:
        if isinstance(node, ast.Attribute):
            source, _, name = module.dotted_path(node).rpartition(".")
            names |= {name} if (source, name) not in renames else set()
    return names & {name for _, name in renames}


def rename_in_files(paths: Iterable[Path], renames: Renames) -> None:
    """Rewrite the names in files, and print the changed files and the unchanged uses."""
    modules = []
    for path in paths:
        try:
            text = path.read_bytes().decode()
            modules.append(Module(text, path))
        except (SyntaxError, ValueError) as error:
            report_unreadable(path, error, renames)
    others = {name for module in modules for name in names_from_elsewhere(module, renames)}
    for module in modules:
        text, unchanged = rename(module, renames, others)
        if text != module.text:
            Path(module.path).write_bytes(text.encode())
            print(f"{module.path.as_posix()}: rewritten to the new names of this release.")
        for use in unchanged:
            print(f"{module.path.as_posix()}:{use} now; change this by hand.")


def report_unreadable(path: Path, error: Exception, renames: Renames) -> None:
    """Report a file with old names that Python cannot parse, such as one with a conflict."""
    words = {*re.findall(rb"\w+", path.read_bytes())}
    for old, new in renames.items():
        if old[1].encode() in words:
            line = getattr(error, "lineno", None) or 1
            name = f"{path.as_posix()}:{line}: not rewritten, since Python cannot parse it"
            print(f"{name}: {'.'.join(old)} is {'.'.join(new)} now.")


def tracked_files() -> list[Path]:
    """The Python files below the working directory that git tracks."""
    command = ["git", "ls-files", "-z", "*.py"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True)
    # git lists a file with a conflict several times.
    return sorted(path for path in map(Path, {*listed.stdout.split("\0")}) if path.is_file())


def main(package: str, version_from: str) -> None:
    """Rename in the working directory; see the docstring of the module."""
    tables = Path(__file__).with_name("renames.yml").read_text(encoding="utf-8")
    for renames in read_renames(tables, package, version_from):
        rename_in_files(tracked_files(), renames)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
