"""The container image is built, and runs as any user, on a read-only file system."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import kubernetes
import pytest
import yaml
from containers import (
    MEGABYTE,
    NEEDS_BUILDAH,
    Builder,
    Compose,
    Image,
    measure_image,
    running,
    terminate,
)
from databases import ITEMS, TIMEOUT, free_port, get_status, psql, wait_until
from harness import IMAGE, WORKSPACE, Renders, git, run, tool
from httpx2 import Client
from matrix import RENDERED, cell_params

pytest_plugins = ["engines"]

PYTHON = "3.13"
ENGINES = ["postgresql", "sqlite", "none"]
# Between them, these have every line of the files.
CONTAINERS = {
    name: {**RENDERED[name], "container": True} for name in ("defaults", "all-on", "all-off")
} | {"monorepo": {"layout": "monorepo", "service_path": "a/@b/c.d-1", "container": True}}
SECRET = "a-value-that-no-image-may-have"
PASSWORD = "six birds on a wire"
# What production requires of a service with sessions.
PRODUCTION = {
    "APP_ALLOWED_HOSTS": "127.0.0.1",
    "APP_ENVIRONMENT": "production",
    "APP_MAIL_FROM": "noreply@mail.example.com",
    "APP_SITE_URL": "https://www.example.com",
    "APP_SMTP_URL": "smtp://user:password@smtp.example.com:587",
    # Not the address of the tests, whose headers the server then ignores.
    "FORWARDED_ALLOW_IPS": "192.0.2.0/24",
}
# https://github.com/opencontainers/image-spec/blob/main/annotations.md
LABEL = "org.opencontainers.image"


class TestFiles:
    @pytest.mark.parametrize("cell", cell_params(CONTAINERS))
    def test_hadolint_finds_nothing(self, render: Renders, cell: str) -> None:
        dockerfile = render(**CONTAINERS[cell]) / "Dockerfile"
        assert "hadolint ignore" not in dockerfile.read_text(encoding="utf-8")
        done = run([tool("hadolint"), "--no-color", str(dockerfile)], dockerfile.parent)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("cell", cell_params(CONTAINERS))
    def test_the_compose_file_follows_the_schema(self, render: Renders, cell: str) -> None:
        file = render(**CONTAINERS[cell]) / "compose.yaml"
        words = ["--builtin-schema=vendor.compose-spec", str(file)]
        done = run([tool("check-jsonschema"), *words], file.parent)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.parametrize("database", ENGINES)
    def test_the_service_waits_for_the_migrations_and_they_for_the_database(
        self, render: Renders, database: str
    ) -> None:
        service = render(container=True, database=database)
        services = yaml.safe_load((service / "compose.yaml").read_text())["services"]
        conditions = {
            (name, other): wait["condition"]
            for name, container in services.items()
            for other, wait in container.get("depends_on", {}).items()
        }
        migrated = {("service", "migrate"): "service_completed_successfully"}
        healthy = {("migrate", "database"): "service_healthy"}
        assert (
            conditions
            == {
                "none": {},
                "sqlite": migrated,
                "postgresql": migrated | healthy,
            }[database]
        )
        assert {
            name: "image" in container for name, container in services.items()
        } == dict.fromkeys(["service", "migrate", "database"][: len(conditions) + 1], True)

    @pytest.mark.parametrize("cell", cell_params(CONTAINERS))
    def test_git_ignores_the_secrets(self, render: Renders, tmp_path: Path, cell: str) -> None:
        git(tmp_path, "init", "--quiet")
        shutil.copy(render(**CONTAINERS[cell]) / ".gitignore", tmp_path)
        (tmp_path / ".secrets").mkdir()
        (tmp_path / ".secrets/app_sentry_dsn").write_text(SECRET, encoding="utf-8")
        assert git(tmp_path, "ls-files", "--others", "--exclude-standard") == ".gitignore\n"

    def test_builders_of_debian_understand_the_dockerfile(self, render: Renders) -> None:
        for answers in CONTAINERS.values():
            text = (render(**answers) / "Dockerfile").read_text(encoding="utf-8")
            assert "--link" not in text
            assert "<<" not in text


class TestDevContainer:
    """Editors merge its compose file into that of the service. No test runs it: that needs Docker."""

    @pytest.mark.parametrize("cell", cell_params(CONTAINERS))
    def test_the_compose_files_fit_together(self, render: Renders, cell: str) -> None:
        service = render(**CONTAINERS[cell])
        files = service / "compose.yaml", service / ".devcontainer/compose.yaml"
        for file in files:
            words = ["--builtin-schema=vendor.compose-spec", str(file)]
            done = run([tool("check-jsonschema"), *words], service)
            assert done.returncode == 0, done.stdout + done.stderr
        base, added = (yaml.safe_load(file.read_text(encoding="utf-8")) for file in files)
        [(name, workspace)] = added["services"].items()
        assert name not in base["services"]
        assert {*workspace.get("secrets", [])} <= {*base.get("secrets", {})}
        assert {*workspace.get("depends_on", {})} <= {*base["services"]}
        config = json.loads((service / ".devcontainer/devcontainer.json").read_text())
        assert config["service"] == name
        assert config["runServices"] == [name]
        # Compose resolves paths against the folder of the first file.
        first = (service / ".devcontainer" / config["dockerComposeFile"][0]).resolve()
        assert first == files[0].resolve()
        source, target = workspace["volumes"][0].split(":")
        path = CONTAINERS[cell].get("service_path", "")
        assert config["workspaceFolder"] == f"{target}/{path}".rstrip("/")
        assert workspace["working_dir"] == config["workspaceFolder"]
        assert os.path.normpath(f"/repository/{path}/{source}") == "/repository"

    @pytest.mark.parametrize("cell", cell_params(CONTAINERS))
    def test_it_has_the_versions_of_the_image(self, render: Renders, cell: str) -> None:
        service = render(**CONTAINERS[cell])
        added = yaml.safe_load((service / ".devcontainer/compose.yaml").read_text())
        dockerfile = (service / "Dockerfile").read_text(encoding="utf-8")
        [uv] = re.findall("ghcr.io/astral-sh/uv:([0-9.]+)", dockerfile)
        python = {*re.findall("^FROM python:([0-9.]+)-slim-trixie", dockerfile, re.MULTILINE)}
        image = added["services"]["workspace"]["image"]
        assert re.findall("uv:([0-9.]+)-python([0-9.]+)-trixie$", image) == [(uv, *python)]
        config = json.loads((service / ".devcontainer/devcontainer.json").read_text())
        readme = (service / "README.md").read_text(encoding="utf-8")
        assert all(f"http://127.0.0.1:{port}" in readme for port in config["forwardPorts"])


# One process runs all of its tests, since they share the storage of Buildah. The parameter of a
# fixture comes first in their ids, where the scheduler finds it.
@pytest.fixture(scope="module", params=[pytest.param(PYTHON, id="image@")])
def builder(request: pytest.FixtureRequest) -> Iterator[Builder]:
    # Not in pytest's own folder, into which only its owner can look.
    with tempfile.TemporaryDirectory(prefix="containers-", ignore_cleanup_errors=True) as folder:
        builder = Builder(Path(folder), request.param)
        yield builder
        builder.close()


@pytest.fixture(scope="module")
def images(
    builder: Builder, render: Renders, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Image]]:
    """Builds the image of an engine once, with its service."""
    built: dict[str, tuple[Path, Image]] = {}

    def build(database: str) -> tuple[Path, Image]:
        if database not in built:
            root = tmp_path_factory.mktemp(database) / "service"
            service = shutil.copytree(
                render(container=True, database=database, python_version=PYTHON), root
            )
            builder.lock(service)
            plant_secrets(service, "src/.env")
            built[database] = service, builder.build(service, database, "--layers")
        return built[database]

    return build


def plant_secrets(root: Path, *names: str) -> None:
    """Put secrets into a repository where developers have them; only its owner can read its files."""
    (root / ".secrets").mkdir(exist_ok=True)
    for name in (".env", ".env.local", ".secrets/password", "local.db", *names):
        (root / name).write_text(f"APP_SECRET={SECRET}\n", encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "config", "remote.origin.url", f"https://user:{SECRET}@example.com/service")
    for path in root.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.fixture
def compose(
    request: pytest.FixtureRequest, images: Callable[[str], tuple[Path, Image]], tmp_path: Path
) -> Callable[..., Compose]:
    """Makes the containers of a service: `compose("sqlite", user="12345:0")`."""

    def make(database: str, user: str = "", **variables: str) -> Compose:
        service, image = images(database)
        mounts = {}
        if database == "postgresql":
            mounts = write_secrets(service, request.getfixturevalue("new_database"))
        return Compose(
            service,
            image,
            tmp_path,
            variables=port() | variables,
            mounts=mounts,
            user=user,
        )

    return make


def write_secrets(service: Path, address: str) -> dict[str, str]:
    """Run the commands of the README, but for the address; mount the socket of the server."""
    readme = (service / "README.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"```sh\n(mkdir -m 700 \.secrets.*?)```", readme, re.DOTALL)
    shutil.rmtree(service / ".secrets", ignore_errors=True)
    subprocess.run(["bash", "-euc", f"umask 077\n{commands}"], cwd=service, check=True)
    url, password = (
        service / f".secrets/{name}" for name in ("app_database_url", "database_password")
    )
    assert url.read_text() == (
        f"postgresql://my_service:{password.read_text().strip()}@database/my_service\n"
    )
    assert (service / ".secrets").stat().st_mode & 0o777 == 0o700
    assert password.stat().st_mode & 0o777 == 0o644
    parsed = urlsplit(address)
    [folder] = parse_qs(parsed.query)["host"]
    url.write_text(parsed._replace(query="host=/tmp/postgresql").geturl(), encoding="utf-8")
    return {"/tmp/postgresql/.s.PGSQL.5432": f"{folder}/.s.PGSQL.5432"}


@contextmanager
def serving(compose: Compose) -> Iterator[tuple[subprocess.Popen[bytes], Client]]:
    """Migrate the database, and run the service until it is healthy."""
    if "migrate" in compose.file["services"]:
        assert compose.run("migrate") == 0
    # A load balancer opens a connection for each request here, so that none is closed while idle.
    headers = {"connection": "close"}
    with (
        compose.running("service") as process,
        Client(base_url=address(compose), headers=headers, timeout=TIMEOUT) as client,
    ):
        wait_until(process, partial(is_ready, client))
        yield process, client


def is_ready(client: Client) -> bool:
    """Whether the service takes requests."""
    return get_status(client, "/health/ready") == 200


def grace(compose: Compose) -> float:
    """The seconds after which Compose kills the service."""
    period: str = compose.file["services"]["service"]["stop_grace_period"]
    return float(period.removesuffix("s"))


@NEEDS_BUILDAH
@pytest.mark.slow
class TestImage:
    def test_it_migrates_postgresql_and_loses_no_request_when_it_stops(
        self, compose: Callable[..., Compose], new_database: str
    ) -> None:
        service = compose("postgresql", APP_SHUTDOWN_DELAY="1")
        statuses: list[int] = []
        with serving(service) as (process, client), HeldRequest(client) as held:
            assert service.run("service", *service.image.health_check) == 0
            load = [threading.Thread(target=send, args=(client, statuses)) for _ in range(8)]
            for thread in load:
                thread.start()
            wait_until(process, lambda: len(statuses) > 20)
            terminate(process)
            for thread in load:
                thread.join(TIMEOUT)
            wait_until(process, lambda: get_status(client, "/health/live") is None)
            assert held.finish() == 201
            # A signal without a handler does not end process 1, so the server ends by itself.
            assert process.wait(grace(service)) == 0
        assert {*statuses} == {201}
        [count] = psql(new_database, "SELECT count(*) FROM items")
        assert int(count) == len(statuses) + 1
        assert service.run("service", *service.image.health_check) == 1

    # The group of root is that of OpenShift.
    @pytest.mark.parametrize(
        ("database", "user"),
        [
            # In the default run, the test of migrations runs a service with a database.
            pytest.param("sqlite", "12345:0", marks=pytest.mark.nightly),
            ("none", "54321:54321"),
        ],
    )
    def test_it_runs_as_any_user(
        self, compose: Callable[..., Compose], database: str, user: str
    ) -> None:
        service = compose(database, user)
        with serving(service) as (process, client):
            assert service.run("service", *service.image.health_check) == 0
            assert "server" not in client.get("/health/live").headers
            if database == "sqlite":
                assert client.post(ITEMS, json={"name": "lamp"}).status_code == 201
            terminate(process)
            assert process.wait(grace(service)) == 0
        if database == "sqlite":
            with serving(service) as (_, client):
                [item] = client.get(ITEMS).json()["items"]
                assert item["name"] == "lamp"

    # The same image but for its packages, which hash passwords.
    @pytest.mark.nightly
    def test_an_administrator_signs_in_behind_a_proxy(
        self, builder: Builder, render: Renders, tmp_path: Path
    ) -> None:
        answers = {"container": True, "authentication": "sessions", "python_version": PYTHON}
        service = shutil.copytree(render(**answers), tmp_path / "service")
        builder.lock(service)
        image = builder.build(service, "sessions")
        variables = port() | {"APP_SIGN_IN_ATTEMPTS_PER_NETWORK": "2"}
        compose = Compose(service, image, tmp_path, PRODUCTION, variables, user="12345:0")
        with serving(compose) as (_, client):
            command = ["my-service", "create-admin", "ada@example.com"]
            assert compose.run("service", *command) == 0
            log = compose.log_file("service").read_text(encoding="utf-8")
            [token] = re.findall(r"https://www\.example\.com/\S+#token=(\S+)", log)
            body = {"token": token, "password": PASSWORD}
            response = client.post("/api/v1/auth/password/reset/confirm", json=body)
            assert response.status_code == 204
            body = {"email": "ada@example.com", "password": PASSWORD}
            responses = [
                client.post(
                    "/api/v1/auth/sign-in", json=body, headers={"x-forwarded-for": client_ip}
                )
                for client_ip in ("198.51.100.1", "198.51.100.2", "198.51.100.3")
            ]
            assert [response.status_code for response in responses] == [200, 200, 429]
            cookie = responses[0].headers["set-cookie"]
            statuses = [
                client.post(ITEMS, json={"name": "lamp"}, headers=headers).status_code
                for headers in ({}, {"cookie": cookie.partition(";")[0]})
            ]
            assert statuses == [401, 201]

    def test_a_database_in_the_image_is_refused(self, compose: Callable[..., Compose]) -> None:
        service = compose("sqlite", APP_DATABASE_URL="sqlite:///my.db")
        assert service.run("migrate") == 1
        log = service.log_file("migrate").read_text(encoding="utf-8")
        assert re.search("Cannot open sqlite.*\nEnd the process .*, check permissions, or set", log)

    @pytest.mark.parametrize("database", ENGINES)
    def test_it_has_the_environment_and_nothing_else(
        self,
        builder: Builder,
        images: Callable[[str], tuple[Path, Image]],
        database: str,
        record_property: Callable[[str, object], None],
    ) -> None:
        _, image = images(database)
        packages = f"/app/.venv/lib/python{PYTHON}/site-packages/"
        app = [path for path in image.files if re.fullmatch("/app/[^/]+", path)]
        migrations = ["/app/migrations", "/app/pyproject.toml"]
        assert app == ["/app/.venv", *([] if database == "none" else migrations)]
        assert f"{packages}my_service/main.py" in image.files
        names = {path.rpartition("/")[2] for path in image.files}
        assert not names & {"cc", "gcc", "g++", "ld", "uv", "uvx", "pip", "pytest", "ruff", "mypy"}
        assert not [path for path in image.files if re.match("/root/.|/repository|/tests", path)]
        assert not [path for path in image.files if re.search(r"/\.(env|git|secrets)\b", path)]
        writable = [path for path in image.files if is_writable(image.root / path.lstrip("/"))]
        # uv locks the environment by a file that others may lock too.
        expected = ["/app/.venv/.lock", "/data", "/tmp"]
        assert writable == [path for path in expected if path != "/data" or database == "sqlite"]
        sizes = measure_image(image, builder.base)
        record_property(IMAGE, f"{sizes}, built in {image.seconds:.0f} s")
        assert sizes.rest < MEGABYTE, sizes
        assert sizes.rest + sizes.bytecode <= 25 * MEGABYTE, sizes

    def test_no_secret_reaches_the_builder_or_the_history(
        self, builder: Builder, images: Callable[[str], tuple[Path, Image]]
    ) -> None:
        images("sqlite")
        assert builder.find(SECRET) == []
        _, image = images("sqlite")
        labels = image.config["Labels"]
        assert labels[f"{LABEL}.title"] == "my-service"
        assert not [step for step in image.history if SECRET in step]

    def test_bytecode_is_up_to_date(self, images: Callable[[str], tuple[Path, Image]]) -> None:
        _, image = images("postgresql")
        sources = [*(image.root / "app/.venv").rglob("site-packages/**/*.py")]
        assert len(sources) > 1000
        assert [path for path in sources if not is_compiled(path)] == []

    def test_a_change_of_the_code_reinstalls_the_package_only(
        self, builder: Builder, images: Callable[[str], tuple[Path, Image]]
    ) -> None:
        service, _ = images("postgresql")
        module = service / "src/my_service/services/items.py"
        module.write_text(module.read_text(encoding="utf-8") + "\n# Changed\n", encoding="utf-8")
        arguments = ["--build-arg=VERSION=1.2.0", "--build-arg=REVISION=a1b2c3"]
        image = builder.build(service, "changed", "--layers", *arguments)
        dependencies = image.output.partition("--no-install-project\n")[2]
        assert dependencies.startswith("--> Using cache"), image.output
        assert re.findall(r"^ [+~-] (.+?)==", image.output, re.MULTILINE) == ["my-service"]
        [copy] = (image.root / "app").rglob("site-packages/my_service/services/items.py")
        assert copy.read_text(encoding="utf-8").endswith("# Changed\n")
        labels = {
            name: image.config["Labels"][f"{LABEL}.{name}"] for name in ("version", "revision")
        }
        assert labels == {"version": "1.2.0", "revision": "a1b2c3"}

    # Its own image, which cannot be pulled here, has the same Python and uv.
    @pytest.mark.nightly
    def test_the_dev_container_installs_and_tests_the_service(
        self, builder: Builder, render: Renders, tmp_path: Path
    ) -> None:
        answers = {"container": True, "python_version": PYTHON}
        service = shutil.copytree(render(**answers), tmp_path / "service")
        for path in [service, *service.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o666)
        added = yaml.safe_load((service / ".devcontainer/compose.yaml").read_text())
        workspace = added["services"]["workspace"]
        config = json.loads((service / ".devcontainer/devcontainer.json").read_text())
        (home := tmp_path / "home").mkdir()
        home.chmod(0o777)
        source, target = workspace["volumes"][0].split(":")
        folders = {target: (service / source).resolve(), f"/home/{config['remoteUser']}": home}
        assert workspace["working_dir"] == target
        script = " && ".join(
            [config["postCreateCommand"], "uv run pytest", "uv run alembic upgrade head"]
        )
        variables = workspace["environment"] | {"HOME": f"/home/{config['remoteUser']}"}
        builder.run(["sh", "-c", script], folders, variables, "1000:1000")
        settings = config["customizations"]["vscode"]["settings"]
        interpreter = settings["python.defaultInterpreterPath"]
        assert (home / Path(interpreter).relative_to(f"/home/{config['remoteUser']}")).is_symlink()
        assert (service / "my_service.db").exists()
        assert not (service / ".venv").exists()

    # Replicas that start before the migrations are done, as those of Kubernetes may.
    @pytest.mark.nightly
    def test_eight_replicas_start_beside_the_migrations(
        self, compose: Callable[..., Compose], new_database: str
    ) -> None:
        first = compose("postgresql")
        replicas = [
            replace(first, variables=port(), folder=folder(first, number)) for number in range(8)
        ]
        with ExitStack() as stack:
            processes = [stack.enter_context(one.running("service")) for one in replicas]
            assert first.run("migrate") == 0
            for one, process in zip(replicas, processes, strict=True):
                client = stack.enter_context(Client(base_url=address(one), timeout=TIMEOUT))
                wait_until(process, partial(is_ready, client))
                name = one.variables["UVICORN_PORT"]
                assert client.post(ITEMS, json={"name": name}).status_code == 201
            for process in processes:
                terminate(process)
            assert [process.wait(grace(first)) for process in processes] == [0] * 8
        assert psql(new_database, "SELECT count(*) FROM items") == ["8"]

    # The default run starts the same image, and compares the manifests with its files.
    @pytest.mark.nightly
    def test_the_pods_of_kubernetes_migrate_serve_and_drain(
        self,
        compose: Callable[..., Compose],
        render: Renders,
        tmp_path: Path,
        new_database: str,
    ) -> None:
        service = compose("postgresql")
        manifests = kubernetes.build(render(**kubernetes.ANSWERS), "production")
        server, migrate = kubernetes.pods(manifests)
        with running_pod(service, manifests, migrate, tmp_path) as process:
            assert process.wait(TIMEOUT) == 0
        probes = kubernetes.container(server)
        [host] = manifests["ConfigMap"]["data"]["APP_ALLOWED_HOSTS"].split(",")
        with (
            running_pod(service, manifests, server, tmp_path) as process,
            Client(base_url=address(service), timeout=TIMEOUT) as client,
        ):
            ready = probes["readinessProbe"]["httpGet"]["path"]
            # Kubernetes calls a pod by its IP address, which is not an allowed host.
            wait_until(process, lambda: get_status(client, ready) == 200)
            assert get_status(client, probes["livenessProbe"]["httpGet"]["path"]) == 200
            assert client.post(ITEMS, json={"name": "lamp"}).status_code == 400
            headers = {"host": host}
            assert client.post(ITEMS, json={"name": "lamp"}, headers=headers).status_code == 201
            requests = probes["resources"]["requests"]["memory"]
            assert peak_memory(process) < int(requests.removesuffix("Mi")) * 2**20
            terminate(process)
            wait_until(process, lambda: get_status(client, ready) == 503)
            assert client.get(ITEMS, headers=headers).status_code == 200
            assert process.wait(server["spec"]["terminationGracePeriodSeconds"]) == 0
        assert psql(new_database, "SELECT name FROM items") == ["lamp"]

    # One process gets the same signals; the default run tests it.
    @pytest.mark.nightly
    def test_several_processes_stop_in_time(self, compose: Callable[..., Compose]) -> None:
        service = compose("none", WEB_CONCURRENCY="2", APP_SHUTDOWN_DELAY="3")
        with serving(service) as (process, client):
            terminate(process)
            wait_until(process, lambda: get_status(client, "/health/ready") != 200)
            assert process.wait(grace(service)) == 0

    # A build takes as long as that of another engine.
    @pytest.mark.nightly
    @pytest.mark.parametrize("kind", ["folder", "workspace"])
    def test_a_service_in_a_monorepo_is_built_from_the_root(
        self, builder: Builder, render: Renders, tmp_path: Path, kind: str
    ) -> None:
        answers = {"layout": "monorepo", "service_path": "services/orders", "database": "none"}
        root = tmp_path / "shop"
        service = root / "services/orders"
        shutil.copytree(render(container=True, python_version=PYTHON, **answers), service)
        if kind == "workspace":
            (root / "services/other").mkdir()
            (root / "services/other/pyproject.toml").write_text(OTHER, encoding="utf-8")
            (root / "pyproject.toml").write_text(WORKSPACE, encoding="utf-8")
        builder.lock(root if kind == "workspace" else service)
        plant_secrets(root, "services/orders/.env", "services/orders/src/.env")
        services = yaml.safe_load((service / "compose.yaml").read_text())["services"]
        build = services["service"]["build"]
        context = (service / build["context"]).resolve()
        assert context == root
        dockerfile = context / build["dockerfile"]
        # Docker reads this file beside the Dockerfile; Buildah 1.28 has to be given it.
        ignore = f"--ignorefile={dockerfile}.dockerignore"
        image = builder.build(context, kind, f"--file={dockerfile}", ignore)
        assert "/app/.venv/bin/uvicorn" in image.files
        assert f"/app/.venv/lib/python{PYTHON}/site-packages/my_service/main.py" in image.files
        assert builder.find(SECRET) == []
        with serving(Compose(service, image, tmp_path, variables=port())) as (_, client):
            assert get_status(client, "/health/ready") == 200

    # The workflow of GitHub builds it with Docker, which has the same options. Neither Docker nor the image
    # of the job for GitLab can be had here, so the Buildah of this machine runs what both say.
    @pytest.mark.nightly
    @pytest.mark.parametrize("ci", ["github", "gitlab"])
    def test_pipelines_build_it(
        self, builder: Builder, render: Renders, tmp_path: Path, ci: str
    ) -> None:
        answers = {"layout": "monorepo", "service_path": "services/orders", "database": "none"}
        service = tmp_path / "services/orders"
        rendered = render(container=True, python_version=PYTHON, ci=ci, **answers)
        shutil.copytree(rendered, service)
        builder.lock(service)
        if ci == "github":
            text = (service / ".github/workflows/ci.yml").read_text(encoding="utf-8")
            job = yaml.safe_load(text)["jobs"]["image"]
            assert job["defaults"]["run"]["working-directory"] == "services/orders"
            [command] = [step["run"] for step in job["steps"] if "run" in step]
            # Docker reads this file beside the Dockerfile; Buildah 1.28 has to be given it.
            command = f"{command} --ignorefile Dockerfile.dockerignore"
        else:
            job = yaml.safe_load((service / ".gitlab-ci.yml").read_text(encoding="utf-8"))
            [command] = job["my-service-build"]["script"]
        program, subcommand, *words = command.split()
        assert (program, subcommand) == ({"github": "docker", "gitlab": "buildah"}[ci], "build")
        # The folder of a job is that of the service.
        words = [
            str((service / word).resolve()) if (service / word).exists() else word for word in words
        ]
        context = words.index(str(tmp_path))
        options = [*words[:context], *words[context + 1 :]]
        image = builder.build(tmp_path, f"{ci}-orders", *options)
        assert f"/app/.venv/lib/python{PYTHON}/site-packages/my_service/main.py" in image.files


OTHER = """\
[project]
name = "other"
version = "0"
requires-python = ">=3.11"
"""


def folder(compose: Compose, number: int) -> Path:
    """A folder for the log of another container of the same service."""
    (path := compose.folder / str(number)).mkdir()
    return path


def port() -> dict[str, str]:
    """The variables of a container that listens on a free port, since it shares the network."""
    return {"UVICORN_PORT": str(free_port())}


def address(compose: Compose) -> str:
    """The address of the service."""
    return f"http://127.0.0.1:{compose.variables['UVICORN_PORT']}"


@contextmanager
def running_pod(
    service: Compose, manifests: kubernetes.Manifests, pod: kubernetes.Manifest, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run the container of a pod, with the secret that Compose has."""
    container, context = kubernetes.container(pod), pod["spec"]["securityContext"]
    # Kubernetes swaps this link when the Secret changes.
    (secrets := folder / "secrets").mkdir(exist_ok=True)
    if not (secrets / "..data").exists():
        (secrets / "..2026_11_28").mkdir()
        shutil.copy(service.service / ".secrets/app_database_url", secrets / "..2026_11_28")
        (secrets / "..data").symlink_to("..2026_11_28")
        (secrets / "app_database_url").symlink_to("..data/app_database_url")
    secrets.parent.chmod(0o755)
    sources = {"secrets": str(secrets), "tmp": "tmpfs"}
    mounts = {mount["mountPath"]: sources[mount["name"]] for mount in container["volumeMounts"]}
    variables = manifests["ConfigMap"]["data"] | {**service.variables}
    command = container.get("args") or service.image.command
    user = f"{context['runAsUser']}:{context['runAsGroup']}"
    log = folder / f"{container['name']}.log"
    # The socket of the database is in /tmp.
    mounts |= {**service.mounts}
    with running(service.image, command, variables, mounts, user, log) as process:
        yield process


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """The most bytes that process 1 of a container has used."""
    [child] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    status = Path(f"/proc/{child}/status").read_text(encoding="utf-8")
    return int(re.findall(r"^VmHWM:\s+([0-9]+) kB$", status, re.MULTILINE)[0]) * 1024


def is_writable(path: Path) -> bool:
    """Whether another user than root may write to a file or a folder."""
    return not path.is_symlink() and bool(path.stat().st_mode & 0o022)


def is_compiled(source: Path) -> bool:
    """Whether Python imports the bytecode of a module, instead of compiling it again."""
    bytecode = source.parent / f"__pycache__/{source.stem}.cpython-{PYTHON.replace('.', '')}.pyc"
    if not bytecode.exists():
        return False
    modified, size = struct.unpack("<II", bytecode.read_bytes()[8:16])
    stat = source.stat()
    return (modified, size) == (int(stat.st_mtime), stat.st_size)


class HeldRequest:
    """A request whose body arrives when the server is stopping."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._body = json.dumps({"name": "held"}).encode()

    def __enter__(self) -> HeldRequest:
        url = self._client.base_url
        self._socket = socket.create_connection((url.host, url.port), timeout=TIMEOUT)
        head = (
            f"POST {ITEMS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(self._body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + self._body[:5])
        return self

    def finish(self) -> int:
        """Send the rest, and return the status of the response."""
        self._socket.sendall(self._body[5:])
        line = self._socket.makefile("rb").readline()
        return int(line.split()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def send(client: Client, statuses: list[int]) -> None:
    """Send requests as a load balancer does: until the service is no longer ready."""
    while client.get("/health/ready").status_code == 200:
        name = f"{threading.get_ident()}-{time.monotonic_ns()}"
        statuses.append(client.post(ITEMS, json={"name": name}).status_code)
