"""Updates and recopies keep the team's files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import copier
import pytest

pytestmark = pytest.mark.slow

OWNERSHIP = Path(__file__).parents[1] / "extensions" / "ownership.py"

CONFIG = """\
_subdirectory: template
_jinja_extensions:
  - copier_template_extensions.TemplateExtensionLoader
  - extensions/ownership.py:Ownership
_exclude:
  - "{{ once('/src/*/services/*.py') }}"
  - "{{ once('/src/*/models/*.py', when='database') }}"
  - "{{ once('/src/*/services/items.py', when='example') }}"
  - "{{ once('/src/*/models/item.py', when='example') }}"
database:
  type: str
  choices: [sqlite, postgresql, none]
  default: sqlite
example:
  type: bool
  default: "{{ database != 'none' }}"
  when: "{{ database != 'none' }}"
"""
MODELS = "{% if database != 'none' %}models{% endif %}"
SAMPLE = "{{% if example and database != 'none' %}}{}{{% endif %}}".format
FILES = {
    "{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}",
    "src/app/main.py": "foundation = 1\n",
    "src/app/hooks.py": "hooks = 1\n",
    "src/app/services/__init__.py": "",
    "src/app/services/greetings.py": "greetings = 1\n",
    f"src/app/services/{SAMPLE('items.py')}": "items = 1\n",
    f"src/app/{MODELS}/__init__.py": "models = 1\n",
    f"src/app/{MODELS}/{SAMPLE('item.py')}": "item = 1\n",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.com"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "More")


class Template:
    """A small template with the real extension, and a tag for each release."""

    def __init__(self, root: Path) -> None:
        self.root = root
        git(root, "init", "--quiet")
        (root / "extensions").mkdir()
        shutil.copy(OWNERSHIP, root / "extensions")
        self.release("v0.1.0", CONFIG, FILES)

    def release(self, tag: str, config: str, files: dict[str, str]) -> None:
        (self.root / "copier.yml").write_text(config)
        shutil.rmtree(self.root / "template", ignore_errors=True)
        for name, text in files.items():
            path = self.root / "template" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        commit(self.root)
        git(self.root, "tag", tag)


class Service:
    """A service of this template; in a folder `api`, its parent is the repository."""

    def __init__(self, template: Template, root: Path, **answers: object) -> None:
        self.root = root
        copier.run_copy(
            str(template.root),
            root,
            data=answers,
            vcs_ref="v0.1.0",
            unsafe=True,
            defaults=True,
            quiet=True,
        )
        git(root.parent if root.name == "api" else root, "init", "--quiet")
        commit(root)

    def update(self, **answers: object) -> None:
        commit(self.root)
        copier.run_update(
            self.root, data=answers, unsafe=True, defaults=True, overwrite=True, quiet=True
        )
        assert not git(self.root, "diff", "--name-only", "--diff-filter=U")
        assert not list(self.root.rglob("*.rej"))
        commit(self.root)

    def read(self, name: str) -> str | None:
        path = self.root / "src/app" / name
        return path.read_text() if path.exists() else None

    def write(self, name: str, text: str) -> None:
        (self.root / "src/app" / name).write_text(text)

    def delete(self, name: str) -> None:
        (self.root / "src/app" / name).unlink()


@pytest.fixture(autouse=True)
def _ignore_user_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "settings.yml"
    settings.write_text("{}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))


@pytest.fixture
def template(tmp_path: Path) -> Template:
    root = tmp_path / "template"
    root.mkdir()
    return Template(root)


@pytest.fixture
def service(template: Template, tmp_path: Path) -> Service:
    return Service(template, tmp_path / "service")


def changed(files: dict[str, str]) -> dict[str, str]:
    """The files with changes."""
    return {name: text.replace("= 1", "= 2") for name, text in files.items()}


def test_a_copy_has_all_files(service: Service) -> None:
    names = ["main.py", "services/greetings.py", "services/items.py", "models/item.py"]
    assert all(service.read(name) for name in names)


def test_an_update_changes_the_foundation_only(template: Template, service: Service) -> None:
    service.write("services/items.py", "ours = 1\n")
    template.release("v0.2.0", CONFIG, changed(FILES))
    service.update()
    assert service.read("main.py") == "foundation = 2\n"
    assert service.read("services/greetings.py") == "greetings = 1\n"
    assert service.read("services/items.py") == "ours = 1\n"
    assert service.read("models/item.py") == "item = 1\n"


def test_deleted_team_files_are_not_restored(template: Template, service: Service) -> None:
    service.delete("services/greetings.py")
    service.delete("services/items.py")
    template.release("v0.2.0", CONFIG, changed(FILES))
    service.update()
    assert service.read("services/greetings.py") is None
    assert service.read("services/items.py") is None


def test_added_team_files_are_kept(template: Template, service: Service) -> None:
    service.write("services/orders.py", "orders = 1\n")
    template.release(
        "v0.2.0", CONFIG, changed(FILES) | {"src/app/services/orders.py": "theirs = 1\n"}
    )
    service.update()
    assert service.read("services/orders.py") == "orders = 1\n"


def test_a_team_file_that_a_release_drops_is_kept(template: Template, service: Service) -> None:
    service.write("services/greetings.py", "ours = 1\n")
    remaining = {name: text for name, text in FILES.items() if "greetings" not in name}
    template.release("v0.2.0", CONFIG, remaining)
    service.update()
    assert service.read("services/greetings.py") == "ours = 1\n"


@pytest.mark.parametrize("edited", [True, False])
def test_switching_off_keeps_the_files(service: Service, edited: bool) -> None:
    text = "ours = 1\n" if edited else "items = 1\n"
    service.write("services/items.py", text)
    service.update(example=False)
    assert service.read("services/items.py") == text
    assert service.read("models/item.py") == "item = 1\n"


def test_switching_on_later_adds_the_files(template: Template, tmp_path: Path) -> None:
    service = Service(template, tmp_path / "service", example=False)
    assert service.read("services/items.py") is None
    service.update(example=True)
    assert service.read("services/items.py") == "items = 1\n"
    assert service.read("models/item.py") == "item = 1\n"


def test_switching_on_adds_no_other_files(template: Template, tmp_path: Path) -> None:
    service = Service(template, tmp_path / "service", example=False)
    service.delete("services/greetings.py")
    service.write("models/__init__.py", "ours = 1\n")
    service.update(example=True)
    assert service.read("services/greetings.py") is None
    assert service.read("models/__init__.py") == "ours = 1\n"


def test_switching_on_keeps_existing_files(template: Template, tmp_path: Path) -> None:
    service = Service(template, tmp_path / "service", example=False)
    service.write("services/items.py", "ours = 1\n")
    service.update(example=True)
    assert service.read("services/items.py") == "ours = 1\n"
    assert service.read("models/item.py") == "item = 1\n"


def test_switching_off_and_on_keeps_edits_and_restores_deleted_files(service: Service) -> None:
    service.write("services/items.py", "ours = 1\n")
    service.delete("models/item.py")
    service.update(example=False)
    assert service.read("models/item.py") is None
    service.update(example=True)
    assert service.read("services/items.py") == "ours = 1\n"
    assert service.read("models/item.py") == "item = 1\n"


def test_adding_a_database_adds_the_example(template: Template, tmp_path: Path) -> None:
    service = Service(template, tmp_path / "service", database="none")
    assert service.read("models/__init__.py") is None
    service.update(database="postgresql")
    assert service.read("models/__init__.py") == "models = 1\n"
    assert service.read("models/item.py") == "item = 1\n"
    assert service.read("services/items.py") == "items = 1\n"


def test_adding_a_database_without_the_example_adds_no_example(
    template: Template, tmp_path: Path
) -> None:
    service = Service(template, tmp_path / "service", database="none")
    service.update(database="sqlite", example=False)
    assert service.read("models/__init__.py") == "models = 1\n"
    assert service.read("models/item.py") is None
    assert service.read("services/items.py") is None


def test_a_feature_that_stays_off_restores_no_files(template: Template, tmp_path: Path) -> None:
    entry = "  - \"{{ once('/src/*/services/greet*.py', when='example') }}\"\ndatabase:\n"
    template.release("v0.2.0", CONFIG.replace("database:\n", entry, 1), changed(FILES))
    service = Service(template, tmp_path / "service", example=False)
    service.delete("services/greetings.py")
    service.update()
    assert service.read("services/greetings.py") is None


def test_another_database_restores_no_files(service: Service) -> None:
    service.delete("models/__init__.py")
    service.delete("services/items.py")
    service.update(database="postgresql")
    assert service.read("models/__init__.py") is None
    assert service.read("services/items.py") is None


def test_removing_the_database_keeps_the_models(service: Service) -> None:
    service.write("models/item.py", "ours = 1\n")
    service.update(database="none")
    assert service.read("models/item.py") == "ours = 1\n"
    assert service.read("models/__init__.py") == "models = 1\n"


def test_a_foundation_file_that_becomes_a_team_file_keeps_edits(
    template: Template, service: Service
) -> None:
    service.write("hooks.py", "ours = 1\n")
    config = CONFIG.replace("database:\n", "  - \"{{ once('/src/*/hooks.py') }}\"\ndatabase:\n", 1)
    template.release("v0.2.0", config, changed(FILES))
    service.update()
    assert service.read("hooks.py") == "ours = 1\n"
    assert service.read("main.py") == "foundation = 2\n"


@pytest.fixture
def with_signals() -> tuple[str, dict[str, str]]:
    """A release that adds a team file."""
    entry = "  - \"{{ once('/src/*/signals.py', since='0.2.0') }}\"\ndatabase:\n"
    return CONFIG.replace("database:\n", entry, 1), FILES | {"src/app/signals.py": "signals = 1\n"}


def test_a_new_team_file_is_added_once(
    template: Template, service: Service, with_signals: tuple[str, dict[str, str]]
) -> None:
    config, files = with_signals
    template.release("v0.2.0", config, files)
    service.update()
    assert service.read("signals.py") == "signals = 1\n"
    service.delete("signals.py")
    template.release("v0.3.0", config, changed(files))
    service.update()
    assert service.read("signals.py") is None


def test_a_new_team_file_does_not_replace_an_existing_one(
    template: Template, service: Service, with_signals: tuple[str, dict[str, str]]
) -> None:
    service.write("signals.py", "ours = 1\n")
    template.release("v0.2.0", *with_signals)
    service.update()
    assert service.read("signals.py") == "ours = 1\n"


def test_a_new_foundation_file_conflicts_with_one_of_the_team(
    template: Template, service: Service
) -> None:
    service.write("shutdown.py", "ours = 1\n")
    commit(service.root)
    template.release("v0.2.0", CONFIG, {**FILES, "src/app/shutdown.py": "foundation = 1\n"})

    copier.run_update(service.root, unsafe=True, defaults=True, overwrite=True, quiet=True)

    found = service.read("shutdown.py") or ""
    assert re.search(
        r"^<{7} .*^ours = 1$.*^={7}.*^foundation = 1$.*^>{7} ", found, re.DOTALL | re.MULTILINE
    )


def test_arguments_of_later_versions_are_accepted(template: Template, service: Service) -> None:
    template.release("v0.2.0", CONFIG.replace("when='example'", "when='example', later=1"), FILES)
    service.update()
    assert service.read("services/items.py") == "items = 1\n"


def test_a_recopy_restores_the_foundation_only(service: Service) -> None:
    service.write("main.py", "broken\n")
    service.write("services/items.py", "ours = 1\n")
    service.delete("services/greetings.py")
    copier.run_recopy(service.root, unsafe=True, defaults=True, overwrite=True, quiet=True)
    assert service.read("main.py") == "foundation = 1\n"
    assert service.read("services/items.py") == "ours = 1\n"
    assert service.read("services/greetings.py") is None


def test_a_recopy_from_an_untagged_commit_keeps_the_teams_files(
    template: Template, tmp_path: Path, with_signals: tuple[str, dict[str, str]]
) -> None:
    service = Service(template, tmp_path / "service")
    answers = service.root / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("v0.1.0", "abc1234"))
    service.write("services/items.py", "ours = 1\n")
    template.release("v0.2.0", *with_signals)
    copier.run_recopy(
        service.root, vcs_ref="v0.2.0", unsafe=True, defaults=True, overwrite=True, quiet=True
    )
    assert service.read("services/items.py") == "ours = 1\n"
    assert service.read("signals.py") is None


def test_an_update_in_a_monorepo_ignores_uncommitted_changes_of_other_folders(
    template: Template, tmp_path: Path
) -> None:
    monorepo = tmp_path / "monorepo"
    service = Service(template, monorepo / "api", example=False)
    (monorepo / "web").mkdir()
    (monorepo / "web/page.tsx").write_text("export {}\n")
    commit(monorepo)
    (monorepo / "web/page.tsx").write_text("unfinished\n")
    service.write("services/greetings.py", "ours = 1\n")
    git(service.root, "commit", "--quiet", "--message", "Ours", ".")
    template.release("v0.2.0", CONFIG, changed(FILES))
    copier.run_update(
        service.root, data={"example": True}, unsafe=True, defaults=True, overwrite=True, quiet=True
    )
    assert (monorepo / "web/page.tsx").read_text() == "unfinished\n"
    assert service.read("main.py") == "foundation = 2\n"
    assert service.read("services/greetings.py") == "ours = 1\n"
    assert service.read("services/items.py") == "items = 2\n"


def test_a_path_with_pattern_characters_is_a_team_file(template: Template, tmp_path: Path) -> None:
    name = "src/app/services/[draft] items!.py"
    config = CONFIG.replace(
        "database:\n",
        "  - \"{{ once('/src/*/services/*draft*.py', when='example') }}\"\ndatabase:\n",
        1,
    )
    template.release("v0.1.1", config, FILES | {name: "theirs = 1\n"})
    service = Service(template, tmp_path / "service", example=False)
    service.write("services/[draft] items!.py", "ours = 1\n")
    service.update(example=True)
    assert service.read("services/[draft] items!.py") == "ours = 1\n"
