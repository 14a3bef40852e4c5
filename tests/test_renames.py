"""An update rewrites renamed names in every kind of use."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import TEMPLATE, Renders, git, recorded_answers
from matrix import CELLS
from python_file import Module
from rename import main, read_renames, rename, rename_in_files, tracked_files

RENAMES = {
    ("shop.db.base", "KeyMixin"): ("shop.db.base", "UUIDPrimaryKeyMixin"),
    ("shop.main", "create_app"): ("shop.application", "create_app"),
    ("shop.core.environment", "environment_of"): ("shop.core.settings", "get_environment"),
}
PATH = Path("src/shop/db/models/book.py")


def renamed(text: str, path: Path = PATH, others: tuple[str, ...] = ()) -> str:
    """Rename in a text; renaming again must change nothing."""
    after, _ = rename(Module(text, path), RENAMES, others)
    assert rename(Module(after, path), RENAMES, others)[0] == after
    return after


def reported(text: str) -> list[str]:
    """The uses that are reported instead of renamed."""
    return rename(Module(text, PATH), RENAMES)[1]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "from shop.db.base import Base, KeyMixin, TimestampMixin\n\n\n"
            "class Book(KeyMixin, TimestampMixin, Base):  # KeyMixin\n"
            '    """With a KeyMixin."""\n',
            "from shop.db.base import Base, TimestampMixin, UUIDPrimaryKeyMixin\n\n\n"
            "class Book(UUIDPrimaryKeyMixin, TimestampMixin, Base):  # KeyMixin\n"
            '    """With a KeyMixin."""\n',
            id="import and use",
        ),
        pytest.param(
            "from shop.db.base import KeyMixin as Key\n\nx: type[Key]\n",
            "from shop.db.base import UUIDPrimaryKeyMixin as Key\n\nx: type[Key]\n",
            id="import with an alias",
        ),
        pytest.param(
            "from shop.db.base import (\n    Base,  # ours\n    KeyMixin,  # not ours\n)\n\nx = KeyMixin\n",
            "from shop.db.base import (\n    Base,  # ours\n    UUIDPrimaryKeyMixin,  # not ours\n)\n\n"
            "x = UUIDPrimaryKeyMixin\n",
            id="in parentheses with comments",
        ),
        pytest.param(
            "from shop.db.base import (\n    Base,\n    KeyMixin,\n    TimestampMixin,\n)  # noqa\n",
            "from shop.db.base import (\n    Base,\n    TimestampMixin,\n    UUIDPrimaryKeyMixin,\n)"
            "  # noqa\n",
            id="in parentheses with a noqa",
        ),
        pytest.param(
            "from shop.db.base import NOW, Base, KeyMixin, TimestampMixin, UTCDateTime"
            f", {'a' * 20}\n",
            "from shop.db.base import (\n    NOW,\n    Base,\n    TimestampMixin,\n    UTCDateTime,\n"
            f"    UUIDPrimaryKeyMixin,\n    {'a' * 20},\n)\n",
            id="too long for a line",
        ),
        pytest.param(
            "from shop.db.base import TimestampMixin, KeyMixin, Base\n",
            "from shop.db.base import TimestampMixin, UUIDPrimaryKeyMixin, Base\n",
            id="not sorted",
        ),
        pytest.param(
            "from ..base import KeyMixin\n\nx = KeyMixin\n",
            "from ..base import UUIDPrimaryKeyMixin\n\nx = UUIDPrimaryKeyMixin\n",
            id="relative import",
        ),
        pytest.param(
            "import shop.db.base\nimport shop.db.session\n\nx = shop.db.base.KeyMixin.id\n",
            "import shop.db.base\nimport shop.db.session\n\nx = shop.db.base.UUIDPrimaryKeyMixin.id\n",
            id="attribute of an imported module",
        ),
        pytest.param(
            "from shop.db import base\nimport shop.db.base as b\n\nx = base.KeyMixin, b.KeyMixin\n",
            "from shop.db import base\nimport shop.db.base as b\n\n"
            "x = base.UUIDPrimaryKeyMixin, b.UUIDPrimaryKeyMixin\n",
            id="attribute of a module with an alias",
        ),
        pytest.param(
            "def build():\n    from shop.db.base import KeyMixin\n\n    return 'é', KeyMixin\n",
            "def build():\n    from shop.db.base import UUIDPrimaryKeyMixin\n\n"
            "    return 'é', UUIDPrimaryKeyMixin\n",
            id="in a function, after a non-ASCII character",
        ),
        pytest.param(
            "from shop.db.base import KeyMixin; x = KeyMixin\r\ny = f(KeyMixin=1).KeyMixin\r\n",
            "from shop.db.base import UUIDPrimaryKeyMixin; x = UUIDPrimaryKeyMixin\r\n"
            "y = f(KeyMixin=1).KeyMixin\r\n",
            id="not keyword arguments or other attributes",
        ),
        pytest.param(
            "from shop.db.base import UUIDPrimaryKeyMixin\n\n\nclass Book(KeyMixin): ...\n",
            "from shop.db.base import UUIDPrimaryKeyMixin\n\n\nclass Book(UUIDPrimaryKeyMixin): ...\n",
            id="import already renamed by a merge",
        ),
    ],
)
def test_the_new_name_is_written(before: str, after: str) -> None:
    assert renamed(before) == after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("def f(KeyMixin):\n    return KeyMixin\n\n\nx = KeyMixin\n", id="parameter"),
        pytest.param("def f():\n    KeyMixin = 1\n    return KeyMixin\n", id="local variable"),
        pytest.param("def f():\n    global KeyMixin\n", id="global"),
        pytest.param("class C:\n    class KeyMixin: ...\n", id="class"),
        pytest.param("match x:\n    case [*KeyMixin]:\n        pass\n", id="pattern"),
        pytest.param("from ours import KeyMixin\n", id="other import"),
        pytest.param("UUIDPrimaryKeyMixin = KeyMixin\n", id="new name taken"),
        pytest.param("from ours import UUIDPrimaryKeyMixin\nx = KeyMixin\n", id="new import taken"),
        pytest.param("class UUIDPrimaryKeyMixin(KeyMixin): ...\n", id="new class taken"),
        pytest.param('__all__ = ["KeyMixin"]\n', id="__all__"),
        pytest.param('def f(x: "KeyMixin | None"): ...\n', id="type in a string"),
        pytest.param('x = f"{KeyMixin}"\n', id="f-string"),
    ],
)
def test_ambiguous_names_are_kept(text: str) -> None:
    assert renamed(f"from shop.db.base import Base, KeyMixin\n\n{text}") == (
        "from shop.db.base import Base\n"
        f"from shop.db.base import UUIDPrimaryKeyMixin as KeyMixin\n\n{text}"
    )


def test_reexported_names_are_kept() -> None:
    text = "from shop.db.base import KeyMixin\n"
    after = "from shop.db.base import UUIDPrimaryKeyMixin as KeyMixin\n"
    assert renamed(text, others=("KeyMixin",)) == after


@pytest.mark.parametrize(
    "text",
    [
        "from ours import KeyMixin\n\nx = KeyMixin\n",
        "def f(base):\n    return base.KeyMixin\n",
        "from shop.db import base\n\n\ndef f(base):\n    return base.KeyMixin\n",
        "x = KeyMixin\n",
        "from .base import KeyMixin\n",
        '"""from shop.db.base import KeyMixin"""\n',
        "x = '\x0c'\n# shop.db.base.KeyMixin\n",
    ],
)
def test_names_of_other_modules_are_kept(text: str) -> None:
    assert renamed(text) == text
    assert reported(text) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "from shop.main import create_app as build  # ours\n",
            "from shop.application import create_app as build  # ours\n",
            id="alone",
        ),
        pytest.param(
            "from shop.main import (\n    create_app,  # ours\n)\n",
            "from shop.application import (\n    create_app,  # ours\n)\n",
            id="alone with its comments",
        ),
        pytest.param(
            "import re\n\nfrom shop.core.errors import NotFound\nfrom shop.main import create_app\n\n"
            "from tests import x\n",
            "import re\n\nfrom shop.application import create_app\nfrom shop.core.errors import NotFound"
            "\n\nfrom tests import x\n",
            id="sorted up",
        ),
        pytest.param(
            "from shop.core.environment import environment_of\nfrom shop.core.logging import log\n\n"
            "x = environment_of(1)\n",
            "from shop.core.logging import log\nfrom shop.core.settings import get_environment\n\n"
            "x = get_environment(1)\n",
            id="sorted down, with another name",
        ),
        pytest.param(
            "from shop.main import app, create_app\n\nx = create_app(app)\n",
            "from shop.application import create_app\nfrom shop.main import app\n\nx = create_app(app)\n",
            id="beside a name that stays",
        ),
        pytest.param(
            "from shop.application import Application\nfrom shop.main import create_app\n",
            "from shop.application import Application, create_app\n",
            id="into an existing import",
        ),
        pytest.param(
            "def f():\n    from shop.main import create_app\n    return create_app()\n",
            "def f():\n    from shop.application import create_app\n    return create_app()\n",
            id="in a function",
        ),
    ],
)
def test_moved_names_are_imported_from_the_new_module(before: str, after: str) -> None:
    assert renamed(before) == after
    assert reported(before) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from shop import main\n\nx = main.create_app()\n", 3),
        ('patch("shop.main.create_app", None)\n', 1),
        ("from shop.main import (\n    app,  # ours\n    create_app,\n)\n", 1),
        ("from shop.main import *\n\ncreate_app()\n", 1),
    ],
)
def test_uses_that_cannot_be_rewritten_are_reported(text: str, line: int) -> None:
    assert renamed(text) == text
    assert reported(text) == [f"{line}: shop.main.create_app is shop.application.create_app"]


def test_only_later_releases_apply_in_order() -> None:
    tables = """
        0.10.0: {"{package}.a:two": "{package}.a:three"}
        0.9.0: {"{package}.a:one": "{package}.a:two"}
        0.8.0: {"{package}.a:zero": "{package}.a:one"}
    """
    assert [*read_renames(tables, "shop", "0.8.0")] == [
        {("shop.a", "one"): ("shop.a", "two")},
        {("shop.a", "two"): ("shop.a", "three")},
    ]
    # An update to a commit between two releases may have renamed some of the names.
    assert len([*read_renames(tables, "shop", "0.9.0.post3.dev0+abc")]) == 1


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="")


def test_tracked_files_are_rewritten_and_reported(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = "from shop.db.base import KeyMixin\r\n"
    write(repository, {"src/shop/a.py": old, "src/shop/b.py": "x = 1\n", "tests/c.py": old})
    write(repository, {".gitignore": "ignored.py\n", "ignored.py": old})
    write(repository, {"broken.py": "<<<<<<< before updating\nKeyMixin\n", "other.py": "x = ("})
    git(repository, "add", "--all")
    write(repository, {"new.py": old})

    rename_in_files(tracked_files(), RENAMES)

    new = b"from shop.db.base import UUIDPrimaryKeyMixin\r\n"
    assert (repository / "src/shop/a.py").read_bytes() == new
    assert (repository / "tests/c.py").read_bytes() == new
    assert (repository / "ignored.py").read_bytes() == old.encode()
    assert (repository / "new.py").read_bytes() == old.encode()
    assert capsys.readouterr().out.splitlines() == [
        "broken.py:1: not rewritten, since Python cannot parse it: "
        "shop.db.base.KeyMixin is shop.db.base.UUIDPrimaryKeyMixin now.",
        "src/shop/a.py: rewritten to the new names of this release.",
        "tests/c.py: rewritten to the new names of this release.",
    ]


def test_modules_that_reexport_a_name_keep_it(repository: Path) -> None:
    write(
        repository,
        {
            "src/shop/db/ours.py": "from shop.db.base import KeyMixin\n",
            "src/shop/db/models/book.py": "from shop.db.ours import KeyMixin\n",
            "src/shop/db/models/page.py": "from shop.db import ours\n\nx = ours.KeyMixin\n",
        },
    )
    git(repository, "add", "--all")
    rename_in_files(tracked_files(), RENAMES)
    assert "UUIDPrimaryKeyMixin as KeyMixin" in Path("src/shop/db/ours.py").read_text("utf-8")
    assert "UUID" not in Path("src/shop/db/models/book.py").read_text("utf-8")
    assert "UUID" not in Path("src/shop/db/models/page.py").read_text("utf-8")


def test_the_migration_reads_the_table(repository: Path) -> None:
    write(repository, {"a.py": "from shop.db.base import KeyMixin\n"})
    git(repository, "add", "--all")
    main("shop", "1000.0.0")
    assert "UUID" not in Path("a.py").read_text("utf-8")
    main("shop", "0.6.0")
    assert Path("a.py").read_text("utf-8") == "from shop.db.base import UUIDPrimaryKeyMixin\n"


def names_in(service: Path, module: str) -> set[str]:
    """The top-level names of a rendered module, or the imports and modules of a package."""
    path = service / ("" if module.startswith("tests") else "src") / module.replace(".", "/")
    if path.is_dir():
        file = path / "__init__.py"
        init = ast.parse(file.read_text(encoding="utf-8") if file.exists() else "")
        imports = [node for node in init.body if isinstance(node, ast.ImportFrom)]
        imported = {alias.name for node in imports for alias in node.names}
        return imported | {file.stem for file in path.iterdir()}
    file = path.with_suffix(".py")
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    defined = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    body = ast.parse(text).body
    constants = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return {node.name for node in body if isinstance(node, defined)} | set(
        map(ast.unparse, constants)
    )


def test_renamed_names_are_rendered(render: Renders) -> None:
    service = render(**CELLS["all-on"])
    package = str(recorded_answers(service)["package_name"])
    table = (TEMPLATE / "migrations/renames.yml").read_text(encoding="utf-8")
    names = {
        old: new for renames in read_renames(table, package, "0") for old, new in renames.items()
    }
    for (module, name), (new_module, new_name) in names.items():
        if (new_module, new_name) not in names:
            assert new_name in names_in(service, new_module)
        assert name not in names_in(service, module)
