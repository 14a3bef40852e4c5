"""The rendered files as text; these tests install and run nothing."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import (
    ANSWERS_FILE,
    TEMPLATE,
    Renders,
    copier_command,
    files_in,
    git,
    load_extension,
    recorded_answers,
    run,
    working_files,
)
from matrix import (
    CHOICES,
    COVERING,
    HOSTILE_NAME,
    OFFERED,
    RENDERED,
    REQUIRED,
    cell_params,
    resolve,
)
from owned import OWNED, differences, owned_files, shared_files
from uv import find_uv_bin

MAX_FILES = 86
MAX_COLUMNS = 100
LAYERS = {"api", "api/v1", "services", "schemas", "db", "db/models", "core"}
PARSERS: dict[str, Callable[[str], object]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": lambda text: [*yaml.safe_load_all(text)],
    ".yml": yaml.safe_load,
}

# Except doubled braces around a number in format strings, and expressions of GitHub Actions.
JINJA = re.compile(r"{%|{#|(?<!\$){{-? *[a-z_]")

# Comments that suppress all findings of a tool instead of naming a rule.
BLANKET_SUPPRESSION = re.compile(
    r"# (type: ignore(?!\[)|noqa(?!: [A-Z])|(ruff|mypy|flake8|fmt|isort): ?\w)"
)

# The words of each feature, as regular expressions, with the question and the answers that enable it;
# with other answers, no file has them. They exclude other meanings: the scope "session" of a fixture,
# the items of a page.
WORDS: dict[str, tuple[str, set[object], list[str]]] = {
    "cors": (
        "cors",
        {True},
        [
            # Not `app.frontend`, FastAPI's name for a static site.
            *("cors", "access-control", "preflight", "vercel"),
            # Not the pages of sign-in.
            r"(?<!SITE_URL=http://)(?<!LOCAL_SITE = .http://)localhost:3000",
            *(
                r"(?<!\.)frontend(?!_path)",
                "origin_?regex",
                "own.machine",
                r"(?-i:\bLISTED\b)",
            ),
        ],
    ),
    "database": (
        "database",
        {"sqlite", "postgresql"},
        [
            *("aiosqlite", "alembic", "asyncpg", "cursor", "database", r"\bdb\b"),
            *("migration", "pagination", "postgres", "(?<![\"'])session", "sqlalchemy", "sqlite"),
            *("transaction", "uuid.utils", "uuid7", r"formats\.py", r"tools/resource\.py"),
        ],
    ),
    "postgresql": (
        "database",
        {"postgresql"},
        [
            *("asyncpg", r"\bpg_", "pgserver", "postgres", r"replica(?!s\b)", "sqlstate"),
            *(
                "createdb",
                "pool_recycle",
                "statement_timeout",
                "lock_timeout",
                "temporary postgresql",
                "squawk",
                "unsafe_migrations",
            ),
        ],
    ),
    "sqlite": (
        "database",
        {"sqlite"},
        [
            *(r"\*\.db", "busy_timeout", "pragma", "sqlite", "foreign_keys", "begin_immediate"),
            "disable_foreign_keys",
        ],
    ),
    "example": (
        "example",
        {True},
        [
            *(r"(?-i:\bItem(?!T\b))", "/items", "create_items", r"\bitem_", r"items?\.(name|py)"),
        ],
    ),
    "authentication": (
        "authentication",
        {"sessions", "oidc"},
        [
            *("anonymous", "sign_in", "signed.in", r"\bscopes\b", "current_?user", "user_id"),
            *("insufficient_scope", r"authentication\.py", r"(?<!www-)\bauthenticate\b"),
        ],
    ),
    "sessions": (
        "authentication",
        {"sessions"},
        [
            *(
                "argon2",
                "password_hash",
                "new_?password",
                r"\be-mail",
                r"\bemail(_|\b[^ ])",
                "smtp",
                "throttl",
            ),
            *(
                "rate_?limit",
                '"limits>',
                "mailer",
                "sign-in and sessions",
                "transactions.py",
                "zxcvbn",
                "accounts",
                r"(?-i:\bRole\b)",
                r"roles\.py",
            ),
        ],
    ),
    "oidc": (
        "authentication",
        {"oidc"},
        ["oidc", "access_tokens", "openid", "joserfc", "jwks", "issuer", "audience", r"\bclaims\b"],
    ),
    # Not the path of Sentry's API.
    "envelope": ("error_format", {"envelope"}, ["(?<!/1/)envelope", r"\bdetails\b"]),
    "problem": (
        "error_format",
        {"problem"},
        [r"problem\+json", "9457", r"\bproblem\b"],
    ),
    "ci": ("ci", {"github", "gitlab"}, [r"(?-i:\bCI\b)"]),
    "github": ("ci", {"github"}, [r"\.github", "workflow", "dependabot"]),
    # Not the domain of its pages.
    "gitlab": ("ci", {"gitlab"}, [r"gitlab(?!\|)"]),
    "sentry": ("error_tracking", {"sentry"}, ["sentry", r"\bdsn\b", "error_?tracking"]),
    "monorepo": ("layout", {"monorepo"}, ["honcho", "with a web application", "procfile"]),
    "typescript_client": (
        "typescript_client",
        {True},
        [
            *(
                r'\bopenapi"',
                "breaking_changes",
                "client/",
                r'/client"\]',
                r"(?<!\.)(?<!hex)digest",
                "hey-api",
                r"uv run [\w-]+ openapi",
            ),
            *("node_modules", "typescript", r"(?<!/)openapi\.json"),
        ],
    ),
    "container": (
        "container",
        {True},
        [
            "docker",
            r"compose\b",
            "devcontainer",
            "secrets_dir",
            "/run/secrets",
            r"(?-i:\bSECRETS\b)",
        ],
    ),
    "kubernetes": ("deploy", {"kubernetes"}, ["kube", "kustom", r"\bpods?\b"]),
    "hooks": ("hooks", {True}, [r"\bprek\b", "pre-commit"]),
    "uuid-utils": ("python_version", {"3.11", "3.12", "3.13"}, ["uuid.utils"]),
}
# Those of commands, which the client and sessions have.
COMMANDS = ['(?<!== ")__main__', r"project\.scripts"]
OLDEST = OFFERED["python_version"][0]
# Questions that only change a value in a file.
VALUES = {"python_version", "cors_credentials"}
# Each feature that can be off, with the answers that enable and disable it.
FEATURES = [
    (name, answer, nothing)
    for name, answer in CHOICES
    for nothing in (False, "none")
    if name not in VALUES and nothing in OFFERED[name] and answer != nothing
]
# Ruff reports unused imports.
IMPORTS = re.compile(r"((from|import) .*|\n)*")


@pytest.fixture(params=cell_params(RENDERED))
def service(request: pytest.FixtureRequest, render: Renders) -> Path:
    return render(**RENDERED[request.param])


def read_all(service: Path) -> dict[str, str]:
    return {name: path.read_text(encoding="utf-8") for name, path in files_in(service).items()}


def disabled_words(service: Path) -> list[str]:
    """The words of features that a service does not have."""
    answers = recorded_answers(service)
    disabled = [words for question, on, words in WORDS.values() if answers.get(question) not in on]
    if not answers.get("typescript_client") and answers.get("authentication") != "sessions":
        disabled.append(COMMANDS)
    return [word for words in disabled for word in words]


# With a database, AGENTS.md has another example.
EXAMPLE = re.compile("^```python$.*?^```$", re.MULTILINE | re.DOTALL)


def additions(before: Path, after: Path) -> Iterator[tuple[str, str]]:
    """The blocks of lines that only the second of two services has, with their files."""
    old = read_all(before)
    for name, text in read_all(after).items():
        if name not in old:
            yield name, text
        elif name != ANSWERS_FILE:
            former, lines = (EXAMPLE.sub("", found).splitlines() for found in (old[name], text))
            matcher = SequenceMatcher(None, former, lines, autojunk=False)
            for kind, _, _, start, end in matcher.get_opcodes():
                if kind == "insert":
                    yield name, "\n".join(lines[start:end])


class TestTemplate:
    def test_file_names_can_be_checked_out_on_windows(self) -> None:
        assert [name for name in working_files() if re.search('["<>|:?*\\\\]', name)] == []

    def test_only_files_with_jinja_have_the_suffix(self) -> None:
        for name in working_files():
            if name.startswith("template/"):
                text = (TEMPLATE / name).read_text(encoding="utf-8")
                assert bool(JINJA.search(text)) == name.endswith(".jinja"), name

    def test_imports_fit_in_a_line_for_the_longest_package_name(self) -> None:
        longest = "a" * load_extension(TEMPLATE, "answers").MAX_PACKAGE
        too_long = [
            f"{name}: {line}"
            for name in working_files()
            if name.startswith("template/") and ".py" in name
            for line in (TEMPLATE / name).read_text(encoding="utf-8").splitlines()
            if re.match("(from|import) ", line)
            if len(re.sub("{%.*?%}", "", line).replace("{{ package_name }}", longest)) > MAX_COLUMNS
        ]
        assert too_long == [], "wrap them, with a trailing comma"

    def test_an_undefined_name_fails_the_render(self, template: Path, tmp_path: Path) -> None:
        checkout = shutil.copytree(template, tmp_path / "template")
        with (checkout / "template/README.md.jinja").open("a", encoding="utf-8") as readme:
            readme.write("{{ nobody }}\n")
        git(checkout, "commit", "--all", "--quiet", "--message", "More")
        copy = copier_command("copy", "--trust", "--defaults", "--vcs-ref=HEAD", str(checkout))
        done = run([*copy, "service"], tmp_path)
        assert done.returncode == 1
        assert "'nobody' is undefined" in done.stderr


class TestDefault:
    def test_pytest_copie_renders_the_same(
        self, copie: Any, template: Path, render: Renders
    ) -> None:
        result = copie.copy(template_dir=template)
        assert result.exception is None
        rendered, expected = files_in(result.project_dir), files_in(render())
        assert rendered.keys() == expected.keys()
        assert result.answers.keys() == resolve({}).keys()

    def test_has_every_layer(self, render: Renders) -> None:
        package = render() / "src/my_service"
        for layer in LAYERS:
            assert (package / layer / "__init__.py").is_file(), layer
        for name in (
            "main.py",
            "application.py",
            "api/v1/items.py",
            "services/items.py",
            "schemas/item.py",
            "db/models/item.py",
        ):
            assert (package / name).is_file(), name
        assert (render() / "migrations/env.py").is_file()

    def test_is_small(self, render: Renders) -> None:
        assert len(files_in(render())) <= MAX_FILES


class TestDependencies:
    @pytest.mark.parametrize("cell", cell_params(COVERING))
    @pytest.mark.parametrize("group", [(), ("--dev",)], ids=["runtime", "development"])
    def test_uv_adds_dependencies_below_the_marker(
        self, render: Renders, tmp_path: Path, cell: str, group: tuple[str, ...]
    ) -> None:
        # uv keeps a sorted list sorted, so it would add them between lines that updates change.
        names = ["aa", "pydantic-zz", "pytest-zz", "zz"]
        before = (render(**RENDERED[cell]) / "pyproject.toml").read_text(encoding="utf-8")
        # The Python of the cell may be missing.
        before = re.sub("(?m)^requires-python = .*", 'requires-python = ">=3.11"', before)
        (tmp_path / "pyproject.toml").write_text(before, encoding="utf-8")
        done = run([find_uv_bin(), "add", "--frozen", "--quiet", *group, *names], tmp_path)
        assert done.returncode == 0, done.stderr
        after = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        marker = "    # The service's own, one a line:\n"
        added = "".join(f'    "{name}",\n' for name in names)
        head, *rest = before.split(marker)
        expected = [head, marker, rest[0], marker, rest[1]]
        expected.insert(2 if not group else 4, added)
        assert after == "".join(expected)


class TestAbsence:
    def test_without_a_database_its_folders_are_missing(self, render: Renders) -> None:
        service = render(database="none")
        assert not (service / "src/my_service/db").exists()
        assert not (service / "migrations").exists()
        assert not (service / "tests/foundation/db").exists()

    def test_without_the_example_the_layers_exist(self, render: Renders) -> None:
        package = render(example=False) / "src/my_service"
        for layer in LAYERS:
            assert (package / layer / "__init__.py").is_file(), layer
        assert not list(render(example=False).rglob("*item*"))

    def test_every_feature_has_words(self) -> None:
        with_words = {(question, answer) for question, on, _ in WORDS.values() for answer in on}
        features = {choice for choice in CHOICES if choice[1] not in (False, "none", "standalone")}
        assert {choice for choice in features - with_words if choice[0] not in VALUES} == set()

    def test_a_disabled_feature_leaves_no_word(self, service: Path) -> None:
        words = disabled_words(service)
        assert words
        found = [
            f"{name}:{number}: {line.strip()}"
            for name, text in read_all(service).items()
            if name != ANSWERS_FILE
            for number, line in enumerate([name, *text.splitlines()])
            if re.search("|".join(words), line, re.IGNORECASE)
        ]
        assert found == []

    @pytest.mark.parametrize(("question", "answer", "nothing"), FEATURES)
    def test_files_of_a_feature_have_its_words(
        self, render: Renders, question: str, answer: object, nothing: object
    ) -> None:
        without, service = (
            render(**{**REQUIRED.get(question, {}), question: value}) for value in (nothing, answer)
        )
        words = {*disabled_words(without)} - {*disabled_words(service)}
        without_words = [
            (name, block)
            for name, block in additions(without, service)
            if not IMPORTS.fullmatch(block)
            if not re.search("|".join(words), f"{name}\n{block}", re.IGNORECASE)
        ]
        assert without_words == [], "no test would find these lines if the feature is off"

    @pytest.mark.parametrize("feature", WORDS)
    def test_an_enabled_feature_has_all_its_words(self, render: Renders, feature: str) -> None:
        question, on, words = WORDS[feature]
        # On the oldest Python, since services for the newest lack some words.
        required = {"python_version": OLDEST, **REQUIRED.get(question, {})}
        services = [render(**{**required, question: answer}) for answer in on]
        texts = [
            f"{name}\n{text}" for service in services for name, text in read_all(service).items()
        ]
        missing = [
            word
            for word in words
            if not any(re.search(word, text, re.IGNORECASE) for text in texts)
        ]
        assert missing == []


class TestFiles:
    def test_no_jinja_is_left(self, service: Path) -> None:
        # The hostile name has Jinja, which must be rendered as text.
        texts = "".join(map(str, recorded_answers(service).values()))
        for name, text in read_all(service).items():
            assert not JINJA.search(name)
            if name != ANSWERS_FILE and HOSTILE_NAME not in texts:
                assert not JINJA.search(text), name

    def test_line_ends(self, service: Path) -> None:
        for name, path in files_in(service).items():
            content = path.read_bytes()
            assert not content.startswith(b"\xef\xbb\xbf"), name
            assert b"\r" not in content, name
            assert not re.search(rb"[ \t]$", content, re.MULTILINE), name
            if content:
                assert re.search(rb"[^\n]\n\Z", content), name
            # Python has at most two blank lines, in Markdown too.
            doubled = b"\n\n\n\n" if name.endswith((".md", ".py", ".mako")) else b"\n\n\n"
            assert doubled not in content, name

    def test_data_can_be_parsed(self, service: Path) -> None:
        for name, text in read_all(service).items():
            PARSERS.get(Path(name).suffix, str)(text)

    def test_suppressions_name_their_rule(self, service: Path) -> None:
        found = [
            f"{name}: {line.strip()}"
            for name, text in read_all(service).items()
            for line in text.splitlines()
            if BLANKET_SUPPRESSION.search(line)
        ]
        assert found == []

    def test_no_folder_is_empty(self, service: Path) -> None:
        assert [folder for folder in service.rglob("*/") if not any(folder.iterdir())] == []

    def test_git_ignores_no_rendered_file(self, service: Path, tmp_path: Path) -> None:
        root = shutil.copytree(service, tmp_path / "service")
        git(root, "init", "--quiet")
        output = git(
            root,
            *("-c", "core.excludesFile=", "-c", "core.quotePath=false"),
            *("ls-files", "--others", "--exclude-standard"),
        )
        assert sorted(output.splitlines()) == sorted(files_in(service))

    def test_git_ignores_private_files(self, service: Path, tmp_path: Path) -> None:
        shutil.copy(service / ".gitignore", tmp_path)
        git(tmp_path, "init", "--quiet")
        private = {".env", ".env.local", ".venv/bin", "src/__pycache__/main.pyc"}
        database = {"app.db"} if recorded_answers(service).get("database") == "sqlite" else set()
        names = [*private, *database, ".env.example", "uv.lock", ANSWERS_FILE]
        ignored = git(tmp_path, "-c", "core.excludesFile=", "check-ignore", *names)
        assert {*ignored.splitlines()} == private | database

    def test_the_answers_are_recorded(self, service: Path) -> None:
        answers = recorded_answers(service)
        recorded = {name: answers[name] for name in answers if not name.startswith("_")}
        assert recorded == resolve(recorded)
        assert answers.keys() - recorded.keys() == {"_commit", "_src_path"}


def owner_row(service: Path, owner: str) -> str:
    """The files of an owner in the table of the README."""
    readme = (service / "README.md").read_text(encoding="utf-8")
    match = re.search(rf"^\| {owner} \| (.*?) \|", readme, re.MULTILINE)
    assert match
    return match[1]


def documented_team_files(service: Path) -> set[str]:
    """The files that the README lists as the team's, by name or folder."""
    found = set()
    for group in owner_row(service, "yours").split("; "):
        group, _, excepted = group.partition(" except ")
        names, _, parent = group.partition(" in ")
        for name in re.findall("`(.+?)`", names):
            path = service / parent.strip("`") / name
            found |= {*path.rglob("*")} if path.is_dir() else {path}
        found -= {*(service / excepted.strip("`")).rglob("*")} if excepted else set()
    return {path.relative_to(service).as_posix() for path in found if path.is_file()}


class TestOwnership:
    def test_the_readme_lists_the_team_files(self, service: Path) -> None:
        assert documented_team_files(service) == {*owned_files(service)}

    def test_the_readme_lists_the_shared_files(self, service: Path) -> None:
        assert {*re.findall("`(.+?)`", owner_row(service, "shared"))} == {*shared_files(service)}

    def test_paths_that_the_readme_reserves_are_not_rendered(self, service: Path) -> None:
        reserved = {"custom", "cli.py", "worker.py"}
        assert [name for name in files_in(service) if reserved & {*Path(name).parts}] == []

    @pytest.mark.parametrize(("pattern", "when"), OWNED)
    def test_every_exclude_pattern_matches_a_file(
        self, render: Renders, pattern: str, when: str | None
    ) -> None:
        features = [(name, answer) for name, answer, _ in FEATURES if name == when]
        # One answer of a question may have the file.
        assert any(
            [*render(**REQUIRED.get(when or "", {}), **{name: answer}).glob(pattern)]
            for name, answer in features or [("database", "sqlite")]
        )

    @pytest.mark.parametrize("database", ["sqlite", "postgresql", "none"])
    def test_team_files_do_not_depend_on_foundation_answers(
        self, render: Renders, database: str
    ) -> None:
        expected = owned_files(render(database=database))
        assert expected
        for answers in (
            {"cors": False},
            {"error_format": "envelope"},
            {"error_tracking": "sentry"},
        ):
            assert differences(owned_files(render(database=database, **answers)), expected) == []

    @pytest.mark.parametrize("example", [True, False])
    def test_team_files_do_not_depend_on_the_engine(self, render: Renders, example: bool) -> None:
        one, other = (
            owned_files(render(database=database, example=example))
            for database in ("sqlite", "postgresql")
        )
        assert differences(one, other) == []

    @pytest.mark.parametrize(
        ("when", "off"), [("example", {"example": False}), ("database", {"database": "none"})]
    )
    def test_team_files_of_a_feature_are_rendered_when_it_is_enabled_later(
        self, render: Renders, when: str, off: dict[str, object]
    ) -> None:
        added = owned_files(render()).keys() - owned_files(render(**off)).keys()
        # The database also enables the example.
        switches = {when, "example"}
        declared = {name for switch in switches for name in owned_files(render(), when=switch)}
        assert added
        assert added <= declared

    def test_a_disabled_feature_has_no_files(self, render: Renders) -> None:
        assert owned_files(render(example=False), when="example") == {}
        assert owned_files(render(database="none"), when="database") == {}
