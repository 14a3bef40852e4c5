"""The commands, tables and links of the README and of `docs/` are correct."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from databases import TIMEOUT, free_port, get_status, serving, wait_until
from harness import (
    QUESTIONS,
    TEMPLATE,
    VERSION,
    Environments,
    Renders,
    clean_environment,
    copier_command,
    files_in,
    git,
    load_extension,
    recorded_answers,
    run,
    run_copier,
    working_files,
)
from httpx2 import Client
from matrix import CELLS
from picture import PICTURE, picture
from sites import is_listening

README = (TEMPLATE / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (TEMPLATE / "CONTRIBUTING.md").read_text(encoding="utf-8")
# The folder of python3, uv, node and npm.
PROGRAMS = Path(sys.executable).parent


def page(name: str) -> str:
    """The text of a page of the documentation."""
    return (TEMPLATE / f"docs/{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language in a text."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """The lines of the shell blocks."""
    return [line for block in blocks(text, "bash") for line in block.splitlines()]


GENERATE, TEST = commands(README)


CHECK = copier_command("check-update", "--quiet")


def start_documented(script: str, folder: Path, template: Path = TEMPLATE) -> subprocess.Popen[str]:
    """Start documented commands, with Copier from this environment and a local template."""
    copier = shlex.join(copier_command())
    for command in ("uvx --with copier-template-extensions copier", "uvx copier"):
        script = script.replace(command, copier)
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.Popen(
        ["bash", "-ec", script.replace("gh:OWNER/REPOSITORY", shlex.quote(str(template)))],
        cwd=folder,
        env={**clean_environment(os.environ), "PATH": path, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_documented(script: str, folder: Path, template: Path = TEMPLATE) -> str:
    """Run documented commands, and return their output."""
    with start_documented(script, folder, template) as process:
        output = process.communicate()[0]
    assert process.returncode == 0, f"{script}\n{output}"
    return output


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (TEMPLATE / ".ci/run").read_text(encoding="utf-8")
    assert script.splitlines()[-1] == TEST
    assert os.access(TEMPLATE / ".ci/run", os.X_OK)


def test_both_commands_install_the_same_tools() -> None:
    assert GENERATE.rpartition(" && ")[0] == TEST.rpartition(" && ")[0]


def test_contributing_has_the_commands_of_the_readme() -> None:
    install, _, test = TEST.rpartition(" && ")
    assert commands(CONTRIBUTING)[:2] == [install, f'{test} -m "not slow"']


@pytest.mark.nightly
@pytest.mark.slow
def test_requirements_are_compiled_as_documented(tmp_path: Path) -> None:
    names = ("pyproject.toml", "requirements.txt", "requirements-docs.txt")
    for name in names:
        shutil.copy(TEMPLATE / name, tmp_path)
    [script] = [block for block in blocks(CONTRIBUTING, "bash") if "pip compile" in block]
    run_documented(script, tmp_path)
    for name in names:
        compiled = (tmp_path / name).read_text(encoding="utf-8")
        assert compiled == (TEMPLATE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-docs.txt"])
def test_requirements_are_pinned_without_urls(name: str) -> None:
    requirements = (TEMPLATE / name).read_text(encoding="utf-8")
    assert "://" not in requirements
    pinned = re.findall(r"^[a-z][^=\n]*==\S+", requirements, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^\S", requirements, re.MULTILINE)) - 2
    assert "uv.lock" not in working_files()


# Copier warns about the uncommitted changes of the unfinished checkout.
@pytest.mark.filterwarnings("ignore:Dirty template changes")
@pytest.mark.parametrize(
    "state", ["released", pytest.param("committed", marks=pytest.mark.slow), "unfinished"]
)
def test_the_copy_command_works_in_a_checkout(
    template: Path, render: Renders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    if state != "released":
        git(checkout, "tag", "--delete", VERSION)
    if state == "unfinished":
        (checkout / "template/NOTES.md").write_text("Unfinished\n", encoding="utf-8")
    # The first part of the command installs the tools, which the tests have.
    words = shlex.split(GENERATE.rpartition(" && ")[2].replace("$PWD", str(checkout)))
    assert words[0] == ".venv/bin/copier"
    monkeypatch.chdir(checkout)
    assert run_copier(words[1], "--defaults", *words[2:]) == 0

    service = tmp_path / "my-service"
    expected = {*files_in(render())} | ({"NOTES.md"} if state == "unfinished" else set())
    assert files_in(service).keys() == expected
    # A later update would resolve a relative path against its own working directory.
    assert recorded_answers(service)["_src_path"] == str(checkout)


def committed_service(template: Path | str, folder: Path) -> Path:
    """A service with the defaults, committed to a new repository."""
    service = folder / "my-service"
    copy = copier_command("copy", "--trust", "--defaults", "--quiet", str(template), str(service))
    assert run(copy, folder).returncode == 0
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "New")
    return service


@pytest.mark.slow
def test_a_service_can_be_updated_to_the_next_release(template: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    service = committed_service(checkout, tmp_path)
    assert run(CHECK, service).returncode == 0

    changed = checkout / "template/.gitignore.jinja"
    changed.write_text(changed.read_text(encoding="utf-8") + "\n# More\n*.log\n", encoding="utf-8")
    git(checkout, "commit", "--all", "--quiet", "--message", "More")
    git(checkout, "tag", "v1001.0.0")
    assert run(CHECK, service).returncode == 2
    check, update, _ = blocks(page("updating"), "bash")[0].splitlines()
    assert "New template version available" in run_documented(check, service)
    run_documented(f"{update} --defaults", service)
    names = git(service, "diff", "--name-only").split()
    assert names == [".copier-answers.yml", ".gitignore"]


@pytest.mark.slow
def test_an_existing_service_can_adopt_the_foundation(template: Path, tmp_path: Path) -> None:
    service = tmp_path / "shop"
    existing = (
        "README.md",
        "migrations/versions/0001.py",
        "src/shop/prices.py",
        "tests/test_prices.py",
    )
    for name in existing:
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text("# Ours.\n", encoding="utf-8")
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "Ours")
    [script] = blocks(page("adopting"), "bash")
    options = "--defaults --overwrite --quiet --data package_name=shop --data example=false"
    run_documented(script.replace("--trust", f"--trust {options}"), service, template)
    assert git(service, "branch", "--show-current") == "foundation\n"
    assert git(service, "diff", "--name-only") == "README.md\n"
    assert (service / "src/shop/main.py").exists()


@pytest.mark.nightly
@pytest.mark.slow
def test_a_service_starts_in_production(render: Renders, tmp_path: Path) -> None:
    service = shutil.copytree(render(), tmp_path / "service")
    run_documented("uv sync", service)
    script = blocks(page("deploying"), "sh")[0]
    *preparation, server = script.splitlines()
    port = free_port()
    script = "\n".join([*preparation, f"exec {server} --port {port}"])
    process = start_documented(script, service)
    try:
        wait_until(process, lambda: is_listening(port))
        with Client(base_url=f"http://127.0.0.1:{port}") as client:
            allowed = client.get("/api/v1/items", headers={"host": "api.example.com"})
            assert allowed.json() == {"items": [], "next_cursor": None}
            assert "server" not in allowed.headers
            assert client.get("/api/v1/items").status_code == 400
    finally:
        process.terminate()
        output = process.communicate(timeout=TIMEOUT)[0]
    assert "Application shutdown complete." in output


# The server runs as in the test above; this one proves the unit around it.
@pytest.mark.nightly
@pytest.mark.slow
def test_the_systemd_unit_migrates_and_starts_the_service(render: Renders, tmp_path: Path) -> None:
    service = shutil.copytree(render(), tmp_path / "service")
    text = page("deploying")
    [install] = [script for script in blocks(text, "sh") if "systemctl restart" in script]
    _, *preparation, _ = install.splitlines()
    script = "\n".join(preparation).replace("/opt/python", str(tmp_path / "python"))
    run_documented(f"uv lock\n{script}", service)
    unit = ConfigParser(interpolation=None)
    unit.read_string(blocks(text, "ini")[0].replace("/opt/my-service", str(service)))
    options = unit["Service"]
    database = tmp_path / "state/my_service.db"
    [url] = re.findall("`APP_DATABASE_URL=(sqlite:.+?)`", text)
    assert f"/var/lib/{options['StateDirectory']}/" in url
    database.parent.mkdir()
    url = url.replace(f"/var/lib/{options['StateDirectory']}", str(database.parent))
    variables = "export APP_ENVIRONMENT=production APP_ALLOWED_HOSTS=api.example.com"
    prefix = f"{variables} APP_DATABASE_URL={url}\n"
    run_documented(prefix + options["ExecStartPre"], service)
    assert database.exists()
    port = free_port()
    process = start_documented(f"{prefix}exec {options['ExecStart']} --port {port}", service)
    try:
        with Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_until(process, lambda: get_status(client, "/health/ready") == 200)
    finally:
        process.terminate()
        output = process.communicate(timeout=float(options["TimeoutStopSec"]))[0]
    assert "Application shutdown complete." in output


@pytest.mark.nightly
@pytest.mark.slow
def test_the_client_can_be_generated(render: Renders, tmp_path: Path) -> None:
    service = shutil.copytree(render(typescript_client=True), tmp_path / "service")
    git(service, "init", "--quiet", "--initial-branch", "main")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message", "New")
    run_documented(blocks(page("nextjs"), "sh")[0], service)
    assert git(service, "diff", "--name-only") == ""
    [compare] = re.findall("`(uv run .+ main)`", page("nextjs"))
    assert run_documented(compare, service) == "No breaking changes.\n"


@pytest.mark.slow
def test_a_package_can_be_renamed(template: Path, tmp_path: Path) -> None:
    checkout = shutil.copytree(template, tmp_path / "checkout")
    service = committed_service(checkout, tmp_path)
    health = service / "src/my_service/api/health.py"
    health.write_text(health.read_text(encoding="utf-8") + "# Ours.\n", encoding="utf-8")
    git(service, "commit", "--all", "--quiet", "--message", "Ours")

    renamed = ["--data", "package_name=orders"]
    done = run(copier_command("update", "--trust", "--defaults", *renamed), service)
    assert done.returncode == 1
    refusal = "package_name: rename src/my_service to src/orders first"
    assert refusal in done.stderr
    assert git(service, "status", "--porcelain") == ""

    script = "\n".join(
        line for line in commands(page("updating")) if "name" in line and "git" in line
    )
    script = script.replace("old_name", "my_service").replace("new_name", "orders")
    # The commands commit, and a new machine has no identity.
    git(service, "config", "user.name", "Tester")
    git(service, "config", "user.email", "tester@example.com")
    done = run(["bash", "-ec", script], service)
    assert done.returncode == 0, done.stderr
    git(checkout, "commit", "--allow-empty", "--quiet", "--message", "More")
    git(checkout, "tag", "v1001.0.0")
    update = copier_command("update", "--trust", "--defaults", *renamed)
    done = run(update, service)
    assert done.returncode == 0, done.stderr
    assert git(service, "diff", "--name-only").split() == [".copier-answers.yml"]
    assert (service / "src/orders/api/health.py").read_text(encoding="utf-8").endswith("# Ours.\n")
    assert not (service / "src/my_service").exists()
    assert recorded_answers(service)["package_name"] == "orders"


def test_the_table_has_every_question() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page("questions").splitlines()
        if line.startswith("| `")
    ]
    assert [row[0].strip("`") for row in rows] == list(QUESTIONS)
    for name, answers, default, _ in rows:
        question = QUESTIONS[name.strip("`")]
        if "choices" in question:
            choices = question["choices"]
            values = choices.values() if isinstance(choices, dict) else choices
            assert answers == ", ".join(f"`{value}`" for value in values)
        if question["type"] == "bool":
            assert answers == "yes, no"
        written = {True: "yes", False: "no", "": "nothing"}.get(question["default"])
        expected = written or question["default"]
        if "{{" not in str(expected):
            assert default.strip("`") == expected


def test_the_tree_matches_the_defaults(render: Renders) -> None:
    names = re.findall(r"── (\S+)", section("What you get"))
    nested = re.findall(r"^│.*── (\S+)", section("What you get"), re.MULTILINE)
    for name in names:
        root = render() / "src/my_service" if name in nested else render()
        assert (root / name).exists(), name


def test_the_message_after_a_copy_matches_the_readme(
    render: Renders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_copier("copy", "--trust", "--defaults", str(render.template), "my-service") == 0
    message = capsys.readouterr().err.partition("Next:")[2].split("\n")
    steps = [line.strip() for line in message if line.strip()]
    documented = blocks(section("Quickstart"), "sh")[0].splitlines()
    assert (tmp_path / steps[0].removeprefix("cd ")).samefile(tmp_path / "my-service")
    assert steps[1:] == [line for line in documented if line.startswith("uv ")]


class TestPages:
    names = sorted(path.stem for path in (TEMPLATE / "docs").glob("*.md"))

    @pytest.mark.slow
    def test_the_site_builds_without_broken_links(self, tmp_path: Path) -> None:
        shutil.copytree(TEMPLATE / "docs", tmp_path / "docs")
        for name in ("zensical.toml", "requirements-docs.txt"):
            shutil.copy(TEMPLATE / name, tmp_path)
        [script] = [block for block in blocks(CONTRIBUTING, "bash") if "zensical" in block]
        # uv is faster.
        script = script.replace("python3 -m venv", "uv venv --quiet")
        script = script.replace(".venv-docs/bin/pip install", "uv pip install --python .venv-docs")
        run_documented(script, tmp_path)
        built = {path.parent.name for path in (tmp_path / "site").glob("*/index.html")}
        assert built == {*self.names} - {"index"}

    @pytest.mark.parametrize(
        "name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "tests/README.md"]
    )
    def test_links_to_files_exist(self, name: str) -> None:
        text = (TEMPLATE / name).read_text(encoding="utf-8")
        folder = (TEMPLATE / name).parent
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
        assert [link for link in links if not (folder / link).exists()] == []

    def test_the_site_and_the_readme_list_every_page(self) -> None:
        site = tomllib.loads((TEMPLATE / "zensical.toml").read_text(encoding="utf-8"))
        listed = [path for entry in site["project"]["nav"] for path in entry.values()]
        assert sorted(listed) == [f"{name}.md" for name in self.names]
        linked = re.findall(
            r"^\| \[.+?\]\(docs/(.+?)\.md\)", section("Documentation"), re.MULTILINE
        )
        assert sorted(linked) == [name for name in self.names if name != "index"]

    def test_the_settings_are_those_of_services(self, render: Renders) -> None:
        examples = [
            (render(**answers) / ".env.example").read_text(encoding="utf-8")
            for answers in CELLS.values()
        ]
        found = [dict(re.findall(r"^# (APP_\w+)=(.*)$", text, re.MULTILINE)) for text in examples]
        defaults = {name: value for example in found for name, value in example.items()}
        table = dict(re.findall(r"^\| `(APP_\w+)` \| (.+?) \| ", page("settings"), re.MULTILINE))
        assert table.keys() == defaults.keys()
        documented = {name: text.strip("`") for name, text in table.items() if text.startswith("`")}
        assert documented == {name: defaults[name] for name in documented}


RELEASE = load_extension(TEMPLATE, "documentation").make_url
GITHUB = "https://github.com/acme/foundation/tree"


class TestDocumentationLink:
    @pytest.mark.parametrize(
        ("template", "version", "url"),
        [
            ("gh:acme/foundation", "v0.7.0", f"{GITHUB}/v0.7.0/docs"),
            ("gh:acme/foundation.git", "v0.7.0-3-g1a2b3c4", f"{GITHUB}/1a2b3c4/docs"),
            ("https://github.com/acme/foundation", "1a2b3c4", f"{GITHUB}/1a2b3c4/docs"),
            ("https://user:secret@github.com/acme/foundation.git", "v1", f"{GITHUB}/v1/docs"),
            ("git@github.com:acme/foundation.git", "v1", f"{GITHUB}/v1/docs"),
            ("git+ssh://git@github.com/acme/foundation", "v1", f"{GITHUB}/v1/docs"),
            (
                "gl:acme/web/foundation",
                "v1",
                "https://gitlab.com/acme/web/foundation/-/tree/v1/docs",
            ),
            ("https://git.example.com/acme/foundation.git", "v1", ""),
            ("/home/acme/foundation", "v1", ""),
            ("../foundation", "v1", ""),
            ("github.com/acme/foundation", "", ""),
            ("", "", ""),
        ],
    )
    def test_links_to_the_release_if_its_url_is_known(
        self, template: str, version: str, url: str
    ) -> None:
        assert RELEASE(template, version) == url

    @pytest.mark.slow
    def test_an_update_changes_the_link(
        self, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        checkout = shutil.copytree(template, tmp_path / "checkout")
        # Let git clone from the checkout instead of GitHub.
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{checkout.as_uri()}.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", "https://github.com/acme/foundation.git")
        service = committed_service("gh:acme/foundation", tmp_path)
        readme = service / "README.md"
        assert f"[docs]({GITHUB}/{VERSION}/docs)" in readme.read_text(encoding="utf-8")

        git(checkout, "commit", "--allow-empty", "--quiet", "--message", "More")
        git(checkout, "tag", "v1001.0.0")
        done = run(copier_command("update", "--trust", "--defaults"), service)
        assert done.returncode == 0, done.stderr
        changed = git(service, "diff", "--unified=0", "README.md")
        lines = re.findall(r"^[+-](?![+-]).*\[docs\]\((.+?)\)", changed, re.MULTILINE)
        assert lines == [f"{GITHUB}/{VERSION}/docs", f"{GITHUB}/v1001.0.0/docs"]
        assert len(re.findall(r"^[+-](?![+-])", changed, re.MULTILINE)) == 2

    def test_without_a_url_it_names_the_file(self, render: Renders) -> None:
        readme = (render() / "README.md").read_text(encoding="utf-8")
        assert "`_src_path`" in readme
        assert "[docs]" not in readme


# Values that differ between responses.
VARIES = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{16}|\d{4}-\d\d-\d\dT[\d:.]+Z")


@pytest.mark.slow
def test_the_readme_shows_real_responses(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    service = environments.install(shutil.copytree(render(), tmp_path / "service"), {})
    service.run("alembic", "upgrade", "head")
    [session] = blocks(section("Quickstart"), "console")
    requests = re.findall(r"^\$ (curl .+)\n(.*(?:\n(?!\$ ).*)*)", session, re.MULTILINE)
    assert len(requests) == 3
    with serving(service) as client:
        for command, output in requests:
            words = shlex.split(command)
            url = next(word for word in words if word.startswith("http://"))
            body = words[words.index("--json") + 1]
            response = client.post(
                url.removeprefix("http://127.0.0.1:8000"),
                content=body,
                headers={"content-type": "application/json"},
            )
            lines = output.strip().splitlines()
            assert VARIES.sub("…", response.text) == VARIES.sub("…", lines[-1])
            headers = dict(line.split(": ", 1) for line in lines[1:-2])
            if headers:
                assert lines[0] == f"HTTP/1.1 {response.status_code} {response.reason_phrase}"
                assert headers.keys() - {"date"} == response.headers.keys() - {"date"}


SITE = """
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def configure(app: FastAPI) -> None:
    app.mount("/", SitePolicy(StaticFiles(directory="dist", html=True)))


"""
OLD_VERSION = """
from fastapi import APIRouter, Depends, Response


"""


@pytest.mark.slow
def test_policy_and_deprecation_of_the_documentation_work(
    render: Renders, environments: Environments, tmp_path: Path
) -> None:
    service = environments.install(shutil.copytree(render(), tmp_path / "service"), {})
    _, deprecated, _, policy = blocks(page("http"), "py")
    package = service.root / "src/my_service"
    endpoint = '\n\n@router.get("")\nasync def list_orders() -> list[str]:\n    return []\n'
    router = package / "api/v1/orders.py"
    router.write_text(OLD_VERSION + deprecated + endpoint, encoding="utf-8")
    with (package / "extensions.py").open("a", encoding="utf-8") as extensions:
        extensions.write(SITE + policy)
    (service.root / "dist").mkdir()
    (service.root / "dist/index.html").write_text("<h1>Orders</h1>", encoding="utf-8")
    with serving(service) as client:
        home, orders = client.get("/"), client.get("/api/v1/orders")
        assert home.text == "<h1>Orders</h1>"
        assert home.headers["content-security-policy"] == "default-src 'self'"
        assert orders.headers["content-security-policy"].startswith("default-src 'none'")
        assert orders.headers["deprecation"] == "@1767225600"
        assert orders.headers["sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"


def test_the_picture_is_up_to_date(render: Renders) -> None:
    assert "](docs/picture.svg)" in README
    assert PICTURE.read_text(encoding="utf-8") == picture(render()), "run python tests/picture.py"
