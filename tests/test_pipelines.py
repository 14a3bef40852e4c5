"""The pipelines of services, on GitHub and GitLab: their schemas, and what their commands do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from harness import (
    Answers,
    Environments,
    Renders,
    Service,
    clean_environment,
    find_python,
    git,
    run,
)
from matrix import OFFERED, resolve
from texts import render_files
from uv import find_uv_bin

GITLAB = ".gitlab-ci.yml"
GITHUB = ".github/workflows/ci.yml"
DEPENDABOT = ".github/dependabot.yml"
SERVICE_PATH = "services/orders"
# The questions on which the files depend.
NAMES = ("layout", "database", "typescript_client", "container")
# https://docs.gitlab.com/ci/yaml/#globally-defined-keywords, and names that no job may have
RESERVED = {
    *("after_script", "before_script", "cache", "default", "false", "image", "include", "nil"),
    *("pages", "services", "spec", "stages", "true", "types", "variables", "workflow"),
}
GLOBAL_KEYWORDS = RESERVED - {"pages"}
VULNERABILITY = "PYSEC-2026-1"


def combinations() -> Iterator[tuple[str, Answers]]:
    """Every combination of the answers that change the files."""
    for values in product(*(OFFERED[name] for name in NAMES)):
        answers: dict[str, object] = dict(zip(NAMES, values, strict=True))
        path = SERVICE_PATH if answers["layout"] == "monorepo" else ""
        slug = {"project_slug": "orders", "package_name": "orders"}
        yield "-".join(map(str, values)), {**answers, "service_path": path, **slug}


# Rendered a hundred times as fast as services.
FILES = {name: render_files(answers) for name, answers in combinations()}
ANSWERS = dict(combinations())
PIPELINES: dict[str, dict[str, Any]] = {
    name: yaml.safe_load(files[GITLAB]) for name, files in FILES.items()
}


def tool(name: str) -> str:
    """A program of the environment of the tests."""
    program = shutil.which(name, path=str(Path(sys.executable).parent))
    assert program, f"{name} is missing: install requirements.txt"
    return program


def unique_files(pattern: str, folder: Path) -> list[str]:
    """Write the different texts of a file into folders of their own."""
    texts = sorted({files[pattern] for files in FILES.values()})
    paths = [folder / str(number) / pattern for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return [str(path) for path in paths]


def extended_jobs(pipeline: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs of a pipeline, with what they extend."""
    return {
        name: merge(pipeline[job["extends"]], job)
        for name, job in pipeline.items()
        if not name.startswith(".")
    }


def merge(base: Mapping[str, Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """As GitLab merges a job with what it extends: tables are merged, lists are replaced."""
    merged = {**base, **job}
    for key in base.keys() & job.keys():
        if isinstance(base[key], dict) and isinstance(job[key], dict):
            merged[key] = merge(base[key], job[key])
    return merged


def short_name(name: str) -> str:
    """The name of a job without that of its service."""
    return name.removeprefix("orders-")


class TestFiles:
    @pytest.mark.parametrize(
        ("pattern", "schema"), [(GITLAB, "gitlab-ci"), (DEPENDABOT, "dependabot")]
    )
    def test_files_follow_their_schema(self, tmp_path: Path, pattern: str, schema: str) -> None:
        files = unique_files(pattern, tmp_path)
        done = run(
            [tool("check-jsonschema"), f"--builtin-schema=vendor.{schema}", *files], tmp_path
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def test_zizmor_finds_nothing_in_dependabot_configurations(self, tmp_path: Path) -> None:
        files = unique_files(DEPENDABOT, tmp_path)
        words = ["--offline", "--persona=auditor", "--strict-collection", "--no-progress"]
        done = run([tool("zizmor"), *words, *files], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_shellcheck_finds_nothing_in_scripts(self, tmp_path: Path) -> None:
        scripts = {
            compose_script(job)
            for pipe in PIPELINES.values()
            for job in extended_jobs(pipe).values()
        }
        for number, script in enumerate(sorted(scripts)):
            (tmp_path / f"{number}.sh").write_text(script, encoding="utf-8")
        files = sorted(path.name for path in tmp_path.iterdir())
        done = run([tool("shellcheck"), "--shell=bash", *files], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("name", PIPELINES)
    def test_a_pipeline_can_be_included_beside_others(self, name: str) -> None:
        pipeline = PIPELINES[name]
        assert not GLOBAL_KEYWORDS & pipeline.keys()
        assert not RESERVED & extended_jobs(pipeline).keys()
        is_included = ANSWERS[name]["service_path"] != ""
        for job in pipeline:
            assert job.lstrip(".").startswith("orders") == is_included, job

    @pytest.mark.parametrize("name", PIPELINES)
    def test_jobs_run_once_for_each_change(self, name: str) -> None:
        event = '$CI_PIPELINE_SOURCE == "merge_request_event"'
        branch = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"
        for job_name, job in extended_jobs(PIPELINES[name]).items():
            compares = short_name(job_name) == "compare"
            conditions = [rule["if"] for rule in job["rules"]]
            assert conditions == ([event] if compares else [event, branch])
            for rule in job["rules"]:
                changes = [f"{SERVICE_PATH}/**/*", "pyproject.toml", "uv.lock"]
                expected = changes if ANSWERS[name]["service_path"] else None
                assert rule.get("changes") == expected
            assert job["timeout"] == "15 minutes"
            assert job["interruptible"] is True

    @pytest.mark.parametrize("name", PIPELINES)
    def test_the_cache_has_the_packages_of_the_lock_file_and_nothing_else(self, name: str) -> None:
        path = ANSWERS[name]["service_path"]
        files = [f"{path}/uv.lock", "uv.lock"] if path else ["uv.lock"]
        for job_name, job in extended_jobs(PIPELINES[name]).items():
            if short_name(job_name) == "build":
                assert job["cache"] == []
            else:
                # A cache of one Python may have wheels that others lack.
                assert job["cache"]["key"] == {"prefix": "uv-$PYTHON", "files": files}
                assert job["cache"]["paths"] == [".uv-cache/"]
                assert job["variables"]["UV_CACHE_DIR"] == "$CI_PROJECT_DIR/.uv-cache"
        workflow = yaml.safe_load(FILES[name][GITHUB])
        globs = [
            step["with"]["cache-dependency-glob"].split()
            for job in workflow["jobs"].values()
            for step in job["steps"]
            if "setup-uv" in step.get("uses", "")
        ]
        # The jobs `audit` and `check`.
        assert globs == [files, files]

    @pytest.mark.parametrize("name", PIPELINES)
    def test_both_pipelines_run_the_same(self, name: str) -> None:
        workflow = yaml.safe_load(FILES[name][GITHUB])
        github = {
            step["run"].replace("HEAD^1", "BASE").replace("docker build", "BUILD")
            for job in workflow["jobs"].values()
            for step in job["steps"]
            if "run" in step
        }
        gitlab = {
            line.replace('"$CI_MERGE_REQUEST_DIFF_BASE_SHA"', "BASE")
            .replace("buildah build", "BUILD")
            # Docker finds it by its name.
            .replace(" --ignorefile Dockerfile.dockerignore", "")
            for job in extended_jobs(PIPELINES[name]).values()
            for line in job["script"]
        }
        assert github == gitlab
        expected = {"uv sync", "uv run poe check", "uv run poe audit"}
        answers = ANSWERS[name]
        if answers["typescript_client"]:
            expected.add("uv run python tests/foundation/breaking_changes.py BASE")
        if answers["database"] == "postgresql":
            expected.add("uv run python tests/foundation/unsafe_migrations.py BASE")
        [*build] = github - expected
        assert len(build) == answers["container"]
        assert github >= expected

    @pytest.mark.parametrize("name", PIPELINES)
    def test_images_have_a_version_and_that_of_the_container_files(self, name: str) -> None:
        jobs = extended_jobs(PIPELINES[name])
        used = {
            image for job in jobs.values() for image in (job["image"], *job.get("services", []))
        }
        assert all(re.fullmatch(r"[\w./-]+:v?\d+.*", image) for image in used)
        [uv] = re.findall("--from=(ghcr.io/astral-sh/uv:.+?) ", FILES[name]["Dockerfile"])
        assert f"{uv}-python$PYTHON-trixie" in used
        compose = yaml.safe_load(FILES[name]["compose.yaml"])["services"]
        databases = [image for image in used if image.startswith("postgres:")]
        assert databases == ([compose["database"]["image"]] if "database" in compose else [])

    def test_every_supported_python_is_checked(self) -> None:
        for name, pipeline in PIPELINES.items():
            workflow = yaml.safe_load(FILES[name][GITHUB])
            [matrix] = [
                job["parallel"]["matrix"]
                for job in extended_jobs(pipeline).values()
                if "parallel" in job
            ]
            expected = workflow["jobs"]["check"]["strategy"]["matrix"]["python"]
            assert matrix == [{"PYTHON": expected}]

    @pytest.mark.parametrize("name", PIPELINES)
    def test_dependabot_updates_every_ecosystem_of_the_service(self, name: str) -> None:
        answers = ANSWERS[name]
        root = f"/{answers['service_path']}"
        updates = yaml.safe_load(FILES[name][DEPENDABOT])["updates"]
        folders = {update["package-ecosystem"]: update["directories"] for update in updates}
        expected = {"uv": [root], "github-actions": ["/"]}
        if answers["container"]:
            expected["docker"] = [root]
        if answers["typescript_client"]:
            expected["npm"] = [f"{root.rstrip('/')}/client"]
        assert folders == expected
        for update in updates:
            assert update["cooldown"]["default-days"] >= 7
            assert [*update["groups"].values()] == [{"patterns": ["*"]}]


def compose_script(job: Mapping[str, Any]) -> str:
    """The script of a job, as a runner of GitLab composes it."""
    return "\n".join(["set -eo pipefail", *job.get("before_script", []), *job["script"], ""])


class Advisories(BaseHTTPRequestHandler):
    """Responds as https://google.github.io/osv.dev/post-v1-query/ does."""

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        package = query["package"]
        found: dict[str, object] = {}
        if package["name"] in getattr(self.server, "vulnerable", ()):
            ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}]
            affected = [{"package": package, "ranges": ranges}]
            found = {"vulns": [{"id": VULNERABILITY, "summary": "Bad", "affected": affected}]}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def advisories(*vulnerable: str) -> Iterator[dict[str, str]]:
    """A database of advisories, since the real one cannot be reached from every machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    # For the handler, which gets the server only; the class of the server does not declare it.
    server.vulnerable = vulnerable  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {"PIP_AUDIT_OSV_URL": f"http://127.0.0.1:{server.server_port}/v1/query"}
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
class TestAudit:
    @pytest.fixture
    def installed(self, render: Renders, environments: Environments, tmp_path: Path) -> Service:
        return environments.install(shutil.copytree(render(), tmp_path / "service"), {})

    def audit(self, service: Service, variables: Mapping[str, str]) -> tuple[int, str]:
        """Run the task as `uv run` does."""
        programs = [str(Path(service.command("poe")[0]).parent), str(Path(find_uv_bin()).parent)]
        path = os.pathsep.join([*programs, os.environ["PATH"]])
        done = service.attempt(["poe", "audit"], {"PATH": path, **variables})
        return done.returncode, done.stdout

    def test_it_fails_for_a_known_vulnerability_unless_the_service_accepts_it(
        self, installed: Service
    ) -> None:
        git(installed.root, "init", "--quiet")
        git(installed.root, "add", "--all")
        with advisories("starlette") as variables:
            code, output = self.audit(installed, variables)
            assert code == 1, output
            assert re.search(rf"^starlette +\S+ +{VULNERABILITY} +999", output, re.MULTILINE)
            project = installed.root / "pyproject.toml"
            text = project.read_text(encoding="utf-8")
            [marker] = re.findall("^ +# The service's own exceptions, .+\n", text, re.MULTILINE)
            accepted = text.replace(marker, f"{marker}        --ignore-vuln {VULNERABILITY}\n")
            project.write_text(accepted, encoding="utf-8")
            code, output = self.audit(installed, variables)
            assert code == 0, output
            assert "No known vulnerabilities found, 1 ignored" in output
        # What it writes is not committed by accident.
        assert git(installed.root, "ls-files", "--others", "--exclude-standard") == ""
        # Without the advisories it fails too.
        code, output = self.audit(installed, variables)
        assert code == 1
        assert "Connection refused" in output


def committed(root: Path, service: Path) -> tuple[Path, str]:
    """A repository with the service on its main branch, and a change; returns the main commit."""
    done = subprocess.run(
        [find_uv_bin(), "lock", "--quiet"],
        cwd=service,
        env=clean_environment(os.environ),
        check=False,
    )
    assert done.returncode == 0
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Service")
    base = git(root, "rev-parse", "HEAD").strip()
    with (service / "README.md").open("a", encoding="utf-8") as readme:
        readme.write("More.\n")
    git(root, "commit", "--quiet", "--all", "--message", "Change")
    return root, base


# The parts have tests of their own in the default run: the steps of `poe check` in `test_quality.py`, the
# comparisons in `test_breaking_changes.py` and `test_unsafe_migrations.py`, the audit above, the builds in
# `test_container.py`. A whole pipeline takes a minute.
@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({}, id="defaults"),
        pytest.param(
            {
                "layout": "monorepo",
                "service_path": SERVICE_PATH,
                "database": "postgresql",
                "typescript_client": True,
            },
            id="monorepo",
        ),
    ],
)
def test_a_pipeline_passes_in_a_new_service(
    render: Renders,
    postgresql: Callable[[str], str],
    tmp_path: Path,
    ci: str,
    answers: Answers,
) -> None:
    """Run the commands of every job, each in a clone of its own.

    Neither the images nor the actions can be had here: the commands run on this machine, with its uv,
    one of its Pythons and its PostgreSQL, and advisories are those of a server that knows none.
    """
    answers = {**answers, "ci": ci}
    path = str(resolve(answers).get("service_path", ""))
    service = tmp_path / "origin" / path
    shutil.copytree(render(**answers), service, dirs_exist_ok=True)
    root, base = committed(tmp_path / "origin", service)
    jobs = gitlab_jobs(service, base) if ci == "gitlab" else github_jobs(service)
    assert {"audit", "check"} <= {name.removeprefix("my-service-") for name in jobs}
    with advisories() as addresses:
        for name, (script, folder, variables) in jobs.items():
            clone = tmp_path / name
            git(tmp_path, "clone", "--quiet", root.as_uri(), str(clone))
            variables = {
                key: Template(value).safe_substitute(CI_PROJECT_DIR=str(clone))
                for key, value in variables.items()
            }
            if "TEST_DATABASE_URL" in variables or answers.get("database") == "postgresql":
                variables["TEST_DATABASE_URL"] = postgresql("test")
            python = find_python(str(resolve(answers)["python_version"]))
            assert python
            environment = {
                **clean_environment(os.environ),
                **variables,
                **addresses,
                "UV_PYTHON": python,
                "PATH": os.pathsep.join([str(Path(find_uv_bin()).parent), os.environ["PATH"]]),
            }
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=clone / folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{name}\n{done.stdout}"
            # What a job caches or writes is not in the way of others.
            assert git(clone, "status", "--porcelain") == ""


Job = tuple[str, str, dict[str, str]]


def gitlab_jobs(service: Path, base: str) -> dict[str, Job]:
    """The script of each job, the folder that it starts in, and its variables."""
    pipeline = yaml.safe_load((service / GITLAB).read_text(encoding="utf-8"))
    merge_request = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI": "true"}
    return {
        name: (compose_script(job), "", {**job["variables"], **merge_request})
        for name, job in extended_jobs(pipeline).items()
    }


def github_jobs(service: Path) -> dict[str, Job]:
    """The commands of each job, the folder that they run in, and its variables."""
    workflow = yaml.safe_load((service / GITHUB).read_text(encoding="utf-8"))
    return {
        name: (
            "\n".join(["set -e", *(step["run"] for step in job["steps"] if "run" in step)]),
            job.get("defaults", {}).get("run", {}).get("working-directory", ""),
            {**job.get("env", {}), "CI": "true"},
        )
        for name, job in workflow["jobs"].items()
    }
