"""A service in a folder of a monorepo."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from harness import (
    TEMPLATE,
    VERSION,
    WORKSPACE,
    clean_environment,
    copier_command,
    files_in,
    git,
    load_extension,
    recorded_answers,
    run,
    run_copier,
)
from releases import RELEASES, UpdatedService
from uv import find_uv_bin

problem: Callable[[str, object], str] = load_extension(TEMPLATE, "answers").problem

# Returns the exit code and the output.
Copy = Callable[..., tuple[int, str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a frontend that has uncommitted changes."""
    root = tmp_path / "shop"
    (root / "apps/web").mkdir(parents=True)
    (root / "apps/web/page.tsx").write_text("export {}\n", encoding="utf-8")
    git(root.parent, "init", "--quiet", str(root))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Shop")
    (root / "apps/web/page.tsx").write_text("unfinished\n", encoding="utf-8")
    return root


@pytest.fixture
def copy(
    template: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Copy:
    """Copies a service into the repository, as from a shell in its root."""

    def copy(path: str, name: str, *data: str) -> tuple[int, str]:
        answers = [
            f"--data={answer}" for answer in ("layout=monorepo", f"project_name={name}", *data)
        ]
        with monkeypatch.context() as patch:
            patch.chdir(repository)
            code = run_copier("copy", "--trust", "--defaults", *answers, str(template), path)
        return code, capsys.readouterr().err

    return copy


def next_steps(done: tuple[int, str]) -> list[str]:
    """The commands that `_message_after_copy` suggests; the copy must have succeeded."""
    code, output = done
    assert code == 0, output
    return [line.strip() for line in output.partition("Next:\n")[2].splitlines() if line]


def uv(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run uv without the virtual environment of the tests."""
    return subprocess.run(
        [find_uv_bin(), *words],
        cwd=folder,
        env=clean_environment(os.environ) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


class TestCopy:
    @pytest.mark.parametrize("path", ["api", "a/b/c/orders"])
    def test_a_service_records_its_path(self, copy: Copy, repository: Path, path: str) -> None:
        root = "../" * len(Path(path).parts)
        steps = next_steps(copy(path, "Orders"))
        service = repository / path
        workflow = f"{root}.github/workflows"
        assert steps == [
            f"cd {path}",
            "uv sync",
            f"mkdir -p {workflow} && cp .github/workflows/ci.yml {workflow}/orders.yml",
            "uv run alembic upgrade head",
            "uv run fastapi dev --port 8000",
        ]
        assert recorded_answers(service)["service_path"] == path
        assert steps[2] in (service / "README.md").read_text(encoding="utf-8")
        assert not (service / ".git").exists()

    def test_the_root_has_to_include_the_jobs_for_gitlab(
        self, copy: Copy, repository: Path
    ) -> None:
        steps = next_steps(copy("services/orders", "Orders", "ci=gitlab"))
        assert not [line for line in steps if "workflows" in line]
        assert steps[-2:] == ["include:", "- local: services/orders/.gitlab-ci.yml"]
        steps = next_steps(copy(".", "Bills", "ci=gitlab"))
        assert "include:" not in steps

    def test_a_service_can_be_in_the_root(self, copy: Copy, repository: Path) -> None:
        steps = next_steps(copy(".", "Orders"))
        assert not [line for line in steps if "workflows" in line]
        assert recorded_answers(repository)["service_path"] == ""
        workflow = yaml.safe_load((repository / ".github/workflows/ci.yml").read_text())
        assert workflow[True]["pull_request"] is None

    @pytest.mark.nightly
    @pytest.mark.slow
    def test_services_have_different_ports(self, copy: Copy, repository: Path) -> None:
        for path, name in (("services/a", "A"), ("services/b", "B"), ("c", "C")):
            next_steps(copy(path, name))
        # Packages in node_modules are not services.
        installed = repository / "node_modules/service"
        installed.parent.mkdir()
        (repository / "c").rename(installed)
        next_steps(copy("d", "D"))
        paths = ("services/a", "services/b", "node_modules/service", "d")
        ports = [recorded_answers(repository / path)["port"] for path in paths]
        assert ports == ["8000", "8001", "8002", "8002"]
        procfile = (repository / "services/b/Procfile").read_text(encoding="utf-8")
        assert "\nb: uv run fastapi dev --port 8001\n" in procfile

    @pytest.mark.parametrize(
        ("path", "user"),
        [
            ("services/orders", "services/orders"),
            (".", "the service at the root of the repository"),
        ],
    )
    @pytest.mark.parametrize(
        ("name", "data", "taken"),
        [
            ("Orders", (), "project_slug: 'orders'"),
            ("Others", ("package_name=orders",), "package_name: 'orders'"),
        ],
    )
    def test_a_name_that_is_taken_is_refused_in_one_line(
        self,
        copy: Copy,
        repository: Path,
        path: str,
        user: str,
        name: str,
        data: tuple[str, ...],
        taken: str,
    ) -> None:
        next_steps(copy(path, "Orders"))
        question = taken.partition(":")[0]
        refused = copy("services/others", name, *data)
        message = f"{taken} is used by {user}; set another with --data {question}=…\n"
        assert refused == (1, message)
        assert not (repository / "services/others").exists()

    @pytest.mark.slow
    def test_a_name_of_another_service_is_refused_on_update(
        self, copy: Copy, repository: Path
    ) -> None:
        for name in ("orders", "others"):
            next_steps(copy(f"services/{name}", name))
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", "Two")
        update = copier_command("update", "--trust", "--defaults", "--data", "project_slug=orders")
        done = run(update, repository / "services/others")
        assert done.returncode == 1
        assert "project_slug: 'orders' is used by services/orders" in done.stderr
        assert git(repository, "status", "--porcelain") == ""

    @pytest.mark.parametrize("path", ["services/my orders", "-orders"])
    def test_an_unsupported_folder_is_refused_as_the_answer_is(
        self, copy: Copy, repository: Path, path: str
    ) -> None:
        code, output = copy(f"./{path}", "Orders")
        assert code == 1
        assert output == f"service_path: {problem('service_path', path)}\n"
        assert output.endswith(
            "; use folder names of ASCII letters, digits, _ . @ and -, not starting with -, with"
            " single slashes between them, as in 'services/orders'\n"
        )

    def test_the_workflow_runs_for_the_service_alone(self, copy: Copy, repository: Path) -> None:
        next_steps(copy("services/orders", "Orders"))
        path = repository / "services/orders/.github/workflows/ci.yml"
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        # In YAML 1.1, the key `on` is true.
        for event in ("push", "pull_request"):
            assert workflow[True][event]["paths"] == [
                "services/orders/**",
                ".github/workflows/orders.yml",
                "pyproject.toml",
                "uv.lock",
            ]
        run_in = workflow["jobs"]["check"]["defaults"]["run"]["working-directory"]
        assert (workflow["name"], run_in) == ("orders", "services/orders")

    def test_git_ignores_private_files_only(self, copy: Copy, repository: Path) -> None:
        next_steps(copy("services/orders", "Orders"))
        service = repository / "services/orders"
        rendered = {*files_in(service)}
        for name in (".env", "orders.db", ".venv/x", "client/node_modules/x", "src/x.pyc"):
            (service / name).parent.mkdir(exist_ok=True)
            (service / name).write_text("", encoding="utf-8")
        output = git(service, "ls-files", "--others", "--exclude-standard")
        assert {*output.splitlines()} == rendered


class TestCI:
    """Tests of a service say whether CI finds its jobs, which the root of the repository has to name."""

    @pytest.fixture
    def service(self, repository: Path) -> Path:
        return repository / "services/orders"

    @pytest.fixture
    def check(self, service: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
        """Runs these tests in this process, and returns why some were skipped."""
        environment = ModuleType("orders.core.environment")
        environment.__dict__["PROJECT_ROOT"] = service
        monkeypatch.setitem(sys.modules, "orders.core.environment", environment)

        def check() -> list[str]:
            tests = runpy.run_path(str(service / "tests/foundation/test_repository.py"))
            messages = []
            for name in tests:
                if name.startswith("test_"):
                    try:
                        tests[name]()
                    except pytest.skip.Exception as skipped:
                        messages.append(str(skipped))
            return messages

        return check

    def test_gitlab(
        self, copy: Copy, repository: Path, service: Path, check: Callable[[], list[str]]
    ) -> None:
        next_steps(copy("services/orders", "Orders", "ci=gitlab"))
        root = repository / ".gitlab-ci.yml"
        root.write_text("# services/orders/.gitlab-ci.yml\n", encoding="utf-8")
        assert check() == [
            "GitLab does not check this service yet: add"
            f" `local: services/orders/.gitlab-ci.yml` to `include` in {root}"
        ]
        readme = (service / "README.md").read_text(encoding="utf-8")
        [documented] = re.findall("```yaml\n(include:.*?)```", readme, re.DOTALL)
        for include in (documented, "include: ['/services/*/.gitlab-ci.yml']\n"):
            root.write_text(include, encoding="utf-8")
            assert check() == []

    def test_github(
        self, copy: Copy, repository: Path, service: Path, check: Callable[[], list[str]]
    ) -> None:
        next_steps(copy("services/orders", "Orders"))
        root = repository / ".github/dependabot.yml"
        hint = (
            f"Dependabot does not update this service yet: copy .github/dependabot.yml to {root},"
            " or add /services/orders to its lists"
        )
        workflow, dependabot = check()
        assert workflow.startswith("GitHub does not check this service yet: run `mkdir -p ")
        assert dependabot == hint
        readme = (service / "README.md").read_text(encoding="utf-8")
        for command in re.findall("^(?:mkdir|cp) .+", readme, re.MULTILINE):
            subprocess.run(["bash", "-c", command], cwd=service, check=True)
        assert check() == []
        # Dependabot updates an action of the copy.
        copied = repository / ".github/workflows/orders.yml"
        text = copied.read_text(encoding="utf-8")
        updated = re.sub("(checkout)@.+", rf"\1@{'0' * 40} # v8.1.0", text)
        assert updated != text
        copied.write_text(updated, encoding="utf-8")
        root.write_text('directories:\n  - "/services/*"\n', encoding="utf-8")
        assert check() == []
        root.write_text("directories: [/services] # /services/orders\n", encoding="utf-8")
        assert check() == [hint]
        copied.write_text(text.replace("poe check", "poe"), encoding="utf-8")
        with pytest.raises(AssertionError, match="run `mkdir -p"):
            check()


@pytest.mark.slow
class TestUpdate:
    @pytest.mark.nightly
    def test_a_standalone_service_becomes_part_of_a_monorepo(
        self, history: Path, copy: Copy, repository: Path
    ) -> None:
        next_steps(copy("services/a", "A"))
        updated = UpdatedService(history, repository / "services/orders", RELEASES[0].tag, {})
        updated.update_cleanly()
        assert recorded_answers(updated.root)["layout"] == "standalone"
        updated.update_cleanly({"layout": "monorepo"})
        answers = recorded_answers(updated.root)
        assert (answers["service_path"], answers["port"]) == ("services/orders", "8001")
        assert (updated.root / "client/package.json").exists() is answers["typescript_client"]

    def test_an_update_keeps_the_port_and_other_files(
        self, history: Path, copy: Copy, repository: Path
    ) -> None:
        next_steps(copy("services/a", "A"))
        answers = {"layout": "monorepo", "port": "8105"}
        updated = UpdatedService(history, repository / "services/orders", VERSION, answers)
        before = updated.contents()
        # Copier's temporary copies of the service must not count as services.
        (repository / "tmp").mkdir()
        update = copier_command("update", "--trust", "--defaults", "--vcs-ref", VERSION)
        done = run(update, updated.root, {"TMPDIR": str(repository / "tmp")})
        assert done.returncode == 0, done.stderr
        assert not updated.has_uncommitted_changes()
        assert updated.contents() == before
        assert recorded_answers(updated.root)["port"] == "8105"
        assert (repository / "apps/web/page.tsx").read_text(encoding="utf-8") == "unfinished\n"
        assert " M apps/web/page.tsx" in git(repository, "status", "--porcelain")


@pytest.mark.slow
class TestWorkspace:
    """Two services in one uv workspace; their tests also run from its root."""

    @pytest.mark.nightly
    def test_services_in_a_uv_workspace(self, copy: Copy, repository: Path) -> None:
        steps = next_steps(copy("services/orders", "Orders"))
        next_steps(copy("services/bills", "Bills", "database=none", "ci=none"))
        service = repository / "services/orders"

        # If the service is not a member, its test fails with a hint.
        project = repository / "pyproject.toml"
        project.write_text(WORKSPACE.replace("services/*", "services/b*"), encoding="utf-8")
        assert uv(service, "sync", "--quiet").returncode == 0
        tests = [
            "run",
            "--directory",
            "services/orders",
            "pytest",
            "-q",
            "tests/foundation/test_repository.py",
        ]
        output = uv(repository, *tests).stdout
        assert f'add "services/orders" to `members` or `exclude` in {project}' in output
        project.write_text(f'{WORKSPACE}exclude = ["services/o*"]\n', encoding="utf-8")
        assert uv(service, "run", "pytest", "-q", "-k", "workspace").returncode == 0
        project.write_text(WORKSPACE, encoding="utf-8")
        output = uv(repository, *tests).stdout
        assert "delete uv.lock: the workspace has one" in output
        (service / "uv.lock").unlink()

        # The suggested commands copy the workflow to the root.
        skipped = uv(repository, *tests, "-rs")
        assert skipped.returncode == 0
        assert "GitHub does not check this service yet: run `mkdir -p" in skipped.stdout
        for line in steps[1:3]:
            subprocess.run(line.replace("uv sync", "true"), shell=True, cwd=service, check=True)
        assert uv(repository, *tests).returncode == 0
        assert (repository / ".github/workflows/orders.yml").exists()
        with (service / ".github/workflows/ci.yml").open("a", encoding="utf-8") as workflow:
            workflow.write("      - run: echo more\n")
        assert "run `mkdir -p" in uv(repository, *tests).stdout
        subprocess.run(steps[2], shell=True, cwd=service, check=True)

        # Commands from the root read the service's `.env`, but its tests do not.
        (service / ".env").write_text("APP_LOG_LEVEL=nonsense\n", encoding="utf-8")
        done = uv(
            repository, "run", "--project", "services/orders", "pytest", "-q", "services/orders"
        )
        assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
        done = uv(repository, "run", "--package", "orders", "python", "-m", "orders", "openapi")
        assert "APP_LOG_LEVEL" in done.stdout
        (service / ".env").unlink()
        done = uv(repository, "run", "--package", "orders", "orders", "openapi")
        assert done.returncode == 0, done.stdout
        assert "openapi.json" not in git(repository, "diff", "--name-only")
        done = uv(repository, "run", "--directory", "services/bills", "pytest", "-q")
        assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout
        assert [*repository.rglob("uv.lock")] == [repository / "uv.lock"]
        assert [*repository.rglob(".git")] == [repository / ".git"]
