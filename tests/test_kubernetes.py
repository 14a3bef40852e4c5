"""The manifests for Kubernetes are valid, and agree with the image, `compose.yaml` and the settings."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import kubernetes_validate
import pytest
import yaml
from harness import TEMPLATE, Renders, run
from kubernetes import (
    ANSWERS,
    ENVIRONMENTS,
    NEEDS_KUBECTL,
    Manifest,
    Manifests,
    build,
    container,
    kubectl,
    pods,
)

pytestmark = NEEDS_KUBECTL

# Between them, these have every line of the manifests, and the longest and oddest names.
SERVICES: dict[str, dict[str, object]] = {
    "postgresql": {**ANSWERS, "error_tracking": "sentry"},
    "none": {
        **ANSWERS,
        "database": "none",
        "authentication": "oidc",
        "cors": False,
        "package_name": "a__b_",
    },
    "long": {
        **ANSWERS,
        "authentication": "sessions",
        "layout": "monorepo",
        "service_path": "services/orders",
        "project_slug": "3d-" + "s" * 57,
        "package_name": "a_package_whose_name_is_as_long_as_it_is",
    },
}
# The oldest version with all fields, and the newest.
VERSIONS = ["1.27", "1.37"]
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/, of the strictest kind.
NAME = re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
# Variables of the server, not of the service.
OTHER_VARIABLES = {"FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY"}
# Less those that PostgreSQL reserves for its superuser.
MAX_CONNECTIONS = 100 - 3
# What a service connects to, by the package that does.
PORTS = {"aiosmtplib": {465, 587}, "asyncpg": {5432}, "joserfc": {443}, "sentry-sdk": {443}}
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, render: Renders) -> Path:
    return render(**SERVICES[request.param])


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def manifests(service: Path, environment: str) -> Manifests:
    return build(service, environment)


def read(service: Path, name: str) -> str:
    return (service / name).read_text(encoding="utf-8")


def find(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, pattern
    return match[1]


def number(quantity: str) -> float:
    """The bytes of a quantity such as 128Mi."""
    return float(quantity[:-2]) * UNITS[quantity[-2:]]


def memory_of_hashes(service: Path) -> Iterator[int]:
    """The bytes that hashing passwords takes at once, in all threads."""
    for path in service.glob("src/*/services/authentication/passwords.py"):
        text = path.read_text(encoding="utf-8")
        kibibytes = int(find(r"memory_cost=([0-9]+) \* 1024", text)) * 1024
        yield kibibytes * 1024 * int(find(r"ThreadPoolExecutor\(([0-9]+),", text))


class TestManifests:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_they_are_valid(self, manifests: Manifests, version: str) -> None:
        for manifest in manifests.values():
            kubernetes_validate.validate(manifest, version, strict=True)

    def test_names_are_strings(self, render: Renders) -> None:
        service = render(**ANSWERS, package_name="no")
        for path in service.glob("deploy/kubernetes/base/*.yaml"):
            for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                name = manifest.get("metadata", {"name": "no"})["name"]
                assert isinstance(name, str), path

    def test_they_are_all_there(self, service: Path, manifests: Manifests) -> None:
        with_database = {"Job"} if (service / "migrations").exists() else set()
        assert manifests.keys() == with_database | {
            "ConfigMap",
            "Deployment",
            "HorizontalPodAutoscaler",
            "NetworkPolicy",
            "PodDisruptionBudget",
            "Service",
            "ServiceAccount",
        }

    def test_names_are_valid(self, manifests: Manifests) -> None:
        namespaces = {manifest["metadata"]["namespace"] for manifest in manifests.values()}
        assert len(namespaces) == 1
        names = [manifest["metadata"]["name"] for manifest in manifests.values()]
        labels = [label for pod in pods(manifests) for label in pod["metadata"]["labels"].values()]
        assert [name for name in (*namespaces, *names, *labels) if not NAME.fullmatch(name)] == []

    def test_environments_differ_in_what_their_overlays_have(self, service: Path) -> None:
        staging, production = (build(service, name) for name in ENVIRONMENTS)
        assert production["ConfigMap"]["data"]["APP_ENVIRONMENT"] == "production"
        assert staging["ConfigMap"]["data"]["APP_ENVIRONMENT"] == "staging"
        assert [
            built["HorizontalPodAutoscaler"]["spec"]["minReplicas"]
            for built in (staging, production)
        ] == [1, 2]

    def test_images_are_those_of_the_overlay(self, service: Path, manifests: Manifests) -> None:
        slug = find('title="(.*)" ', read(service, "Dockerfile"))
        images = {container(pod)["image"] for pod in pods(manifests)}
        assert images == {f"registry.example.com/{slug}:0.1.0"}

    # A new name of the ConfigMap starts new pods when a setting changes.
    def test_pods_have_the_settings_of_the_config_map(self, manifests: Manifests) -> None:
        name = manifests["ConfigMap"]["metadata"]["name"]
        assert re.search("-[a-z0-9]{10}$", name)
        for pod in pods(manifests):
            assert container(pod)["envFrom"] == [{"configMapRef": {"name": name}}]

    def test_pods_are_restricted(self, manifests: Manifests) -> None:
        assert [finding for pod in pods(manifests) for finding in find_privileges(pod)] == []

    def test_pods_have_no_token(self, manifests: Manifests) -> None:
        account = manifests["ServiceAccount"]
        assert account["automountServiceAccountToken"] is False
        for pod in pods(manifests):
            assert pod["spec"]["serviceAccountName"] == account["metadata"]["name"]
            assert pod["spec"]["automountServiceAccountToken"] is False

    def test_both_pods_have_the_same_files_and_resources(self, manifests: Manifests) -> None:
        keys = ("resources", "volumeMounts")
        parts = [
            [container(pod)[key] for key in keys] + [pod["spec"]["volumes"]]
            for pod in pods(manifests)
        ]
        assert parts == [parts[0]] * len(parts)

    def test_requests_reach_the_pods_of_the_server_only(self, manifests: Manifests) -> None:
        [server, *others] = [pod["metadata"]["labels"] for pod in pods(manifests)]
        deployment = manifests["Deployment"]["spec"]
        spreads = deployment["template"]["spec"]["topologySpreadConstraints"]
        for selector in (
            manifests["Service"]["spec"]["selector"],
            deployment["selector"]["matchLabels"],
            manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
            *(spread["labelSelector"]["matchLabels"] for spread in spreads),
        ):
            assert selector.items() <= server.items()
            assert not any(selector.items() <= other.items() for other in others)

    def test_the_network_policy_is_for_all_pods_and_lets_them_reach_what_they_need(
        self, service: Path, manifests: Manifests
    ) -> None:
        policy = manifests["NetworkPolicy"]["spec"]
        for pod in pods(manifests):
            selector = policy["podSelector"]["matchLabels"]
            assert selector.items() <= pod["metadata"]["labels"].items()
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        reached = {port["port"] for rule in policy["egress"] for port in rule["ports"]}
        dependencies = read(service, "pyproject.toml")
        needed = [ports for name, ports in PORTS.items() if f'"{name}' in dependencies]
        assert reached == {53}.union(*needed)

    def test_the_number_of_pods_is_that_of_the_autoscaler(self, manifests: Manifests) -> None:
        target = manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
        deployment = manifests["Deployment"]
        assert target == {
            "apiVersion": deployment["apiVersion"],
            "kind": "Deployment",
            "name": deployment["metadata"]["name"],
        }
        # Each `kubectl apply` would set it.
        assert "replicas" not in deployment["spec"]

    def test_a_node_can_be_drained(self, manifests: Manifests) -> None:
        budget = manifests["PodDisruptionBudget"]["spec"]
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"

    def test_memory_is_more_than_was_measured(self, service: Path, manifests: Manifests) -> None:
        results = (TEMPLATE / "benchmarks/RESULTS.md").read_text(encoding="utf-8")
        [measured] = re.findall(r"\| memory after .* \| .* \| (.*) \| .* \|", results)
        # As the comment says.
        assert float(measured) < 90
        needed = float(measured) * UNITS["Mi"] + sum(memory_of_hashes(service))
        for pod in pods(manifests):
            resources = container(pod)["resources"]
            assert number(resources["requests"]["memory"]) > 1.25 * needed
            assert number(resources["limits"]["memory"]) > 2.5 * needed

    def test_all_pods_of_a_release_can_connect(self, render: Renders, environment: str) -> None:
        service = render(**ANSWERS)
        built = build(service, environment)
        settings = read(service, ".env.example")
        overflow = int(find("# APP_DATABASE_MAX_OVERFLOW=(.*)$", settings))
        size = int(built["ConfigMap"]["data"]["APP_DATABASE_POOL_SIZE"])
        deployment = built["Deployment"]["spec"]
        rolling = deployment["strategy"]["rollingUpdate"]
        replicas = built["HorizontalPodAutoscaler"]["spec"]["maxReplicas"]
        # The pods before the one that stops are gone.
        stopping = deployment["template"]["spec"]["terminationGracePeriodSeconds"]
        assert deployment["minReadySeconds"] >= stopping
        assert rolling["maxUnavailable"] == 0
        connections = (replicas + rolling["maxSurge"] + 1) * 2 * (size + overflow + 1)
        assert connections + 1 <= MAX_CONNECTIONS

    def test_no_secret_is_in_a_file(self, service: Path, manifests: Manifests) -> None:
        assert "Secret" not in manifests
        keys = " ".join(manifests["ConfigMap"]["data"])
        # The address of the pages is public.
        assert not re.search("(?<!SITE_)URL|DSN|PASSWORD|SECRET|TOKEN", keys)
        for pod in pods(manifests):
            assert "env" not in container(pod)
            secrets = {volume["name"]: volume for volume in pod["spec"]["volumes"]}["secrets"]
            # Without a database, there may be no secret.
            is_optional = not (service / "migrations").exists()
            assert secrets["secret"].get("optional", False) == is_optional


def find_privileges(pod: Manifest) -> Iterator[str]:
    """What the level `restricted` refuses, and a root file system that is not read-only.

    See https://kubernetes.io/docs/concepts/security/pod-security-standards/
    """
    spec = pod["spec"]
    shared, own = spec["securityContext"], container(pod)["securityContext"]
    volumes = {kind for volume in spec["volumes"] for kind in volume.keys() - {"name"}}
    checks = {
        "host namespaces": not spec.keys() & {"hostNetwork", "hostPID", "hostIPC"},
        "volumes": volumes <= {"configMap", "emptyDir", "projected", "secret"},
        "host ports": "hostPort" not in str(container(pod).get("ports")),
        "root": shared["runAsNonRoot"] is True and shared["runAsUser"] > 0,
        "seccomp": shared["seccompProfile"] == {"type": "RuntimeDefault"},
        "escalation": own["allowPrivilegeEscalation"] is False,
        "capabilities": own["capabilities"] == {"drop": ["ALL"]},
        "file system": own["readOnlyRootFilesystem"] is True,
        "exceptions": own.keys()
        == {"allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"},
    }
    return (name for name, holds in checks.items() if not holds)


class Facts:
    """What the files of a service say, by fact and file."""

    def __init__(self, service: Path) -> None:
        self.manifests = build(service, "production")
        self.service = service
        self.dockerfile = read(service, "Dockerfile")
        self.compose = yaml.safe_load(read(service, "compose.yaml"))
        self.health = read(service, next_path(service, "src/*/api/health.py"))
        self.pods = [*pods(self.manifests)]
        self.server = container(self.pods[0])

    def values(self) -> dict[str, list[object]]:
        """The values that have to be equal."""
        server, compose = self.server, self.compose["services"]["service"]
        [ports], [published] = server["ports"], compose["ports"]
        policy = self.manifests["NetworkPolicy"]["spec"]
        facts: dict[str, list[object]] = {
            "port": [
                ports["containerPort"],
                int(published.rpartition(":")[2]),
                int(find("UVICORN_PORT=([0-9]+)", self.dockerfile)),
                int(find("^EXPOSE ([0-9]+)$", self.dockerfile)),
            ],
            "port name": [
                ports["name"],
                self.manifests["Service"]["spec"]["ports"][0]["targetPort"],
                policy["ingress"][0]["ports"][0]["port"],
                *(server[probe]["httpGet"]["port"] for probe in PROBES),
            ],
            "liveness": [
                server["livenessProbe"]["httpGet"]["path"],
                server["startupProbe"]["httpGet"]["path"],
                find("probe.request\\('GET', '(.*)'\\)", self.dockerfile),
                self.route("live"),
            ],
            "readiness": [server["readinessProbe"]["httpGet"]["path"], self.route("ready")],
            "user": [
                int(find("^USER ([0-9]+)$", self.dockerfile)),
                *(pod["spec"]["securityContext"]["runAsUser"] for pod in self.pods),
                *(pod["spec"]["securityContext"]["runAsGroup"] for pod in self.pods),
            ],
            "time to stop": [
                self.pods[0]["spec"]["terminationGracePeriodSeconds"],
                int(compose["stop_grace_period"].removesuffix("s")),
                int(find("Allow ([0-9]+) seconds for it to stop", self.readme)),
            ],
            "time for requests": [
                int(find("UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN=([0-9]+)", self.dockerfile)),
                int(find("--timeout-graceful-shutdown ([0-9]+)", self.readme)),
            ],
            "server": [server.get("command"), server.get("args"), compose.get("command")],
            "folder of secrets": [
                find('^SECRETS = Path\\("(.*)"\\)$', self.settings),
                *(self.mount(pod, "secrets") for pod in self.pods),
            ],
            "temporary files": [
                *compose["tmpfs"],
                *(self.mount(pod, "tmp") for pod in self.pods),
            ],
        }
        if "Job" in self.manifests:
            job, migrate = container(self.pods[1]), self.compose["services"]["migrate"]
            facts["migrations"] = [
                job["args"],
                migrate["command"],
                job.get("command") or job["args"],
            ]
            assert "ENTRYPOINT" not in self.dockerfile
        return facts

    def disagreements(self) -> list[str]:
        """What differs, or does not fit."""
        values = self.values()
        found = [name for name, same in values.items() if any(one != same[0] for one in same)]
        variables = self.manifests["ConfigMap"]["data"]
        stopping, requests = (values[f"time {name}"][0] for name in ("to stop", "for requests"))
        assert isinstance(stopping, int)
        assert isinstance(requests, int)
        if stopping <= int(variables["APP_SHUTDOWN_DELAY"]) + requests:
            found.append("APP_SHUTDOWN_DELAY and requests end after the time to stop")
        waits = [int(seconds) for seconds in re.findall(r"timeout\(([0-9]+)\)", self.health)]
        if self.server["readinessProbe"].get("timeoutSeconds", 1) <= max(waits, default=0):
            found.append("the readiness probe waits less than the service")
        return found + self.unknown_settings() + self.missing_settings()

    def missing_settings(self) -> list[str]:
        """The variables that production needs, and containers do not get."""
        needed = {*re.findall(r"\b(APP_[A-Z_]+)=\S", production_commands(self.service))}
        secrets = {name.upper() for name in re.findall("--from-file=(app_[a-z_]+)", self.readme)}
        manifests = {*self.manifests["ConfigMap"]["data"], *secrets}
        files = {name.upper() for name in self.compose.get("secrets", ())}
        compose = {*self.compose["x-image"]["environment"], *files}
        return sorted(needed - manifests | needed - compose)

    def unknown_settings(self) -> list[str]:
        """The variables that are no settings of the service."""
        known = {*re.findall("^# (APP_[A-Z_]+)=", read(self.service, ".env.example"), re.MULTILINE)}
        named = {
            *self.manifests["ConfigMap"]["data"],
            *self.compose["x-image"]["environment"],
            *re.findall("APP_[A-Z_]+", self.dockerfile + str(self.compose)),
            *(name.upper() for name in re.findall("app_[a-z_]+", str(self.compose.get("secrets")))),
            *(name.upper() for name in re.findall("--from-file=(app_[a-z_]+)", self.readme)),
            # In comments.
            *(
                name
                for path in self.service.glob("deploy/kubernetes/**/*.yaml")
                for name in re.findall("APP_[A-Z_]+", path.read_text(encoding="utf-8"))
                if name != "APP_PORT"
            ),
        }
        return sorted(named - known - OTHER_VARIABLES)

    @property
    def readme(self) -> str:
        return re.sub(r"\s+", " ", read(self.service, "README.md"))

    @property
    def settings(self) -> str:
        return read(self.service, next_path(self.service, "src/*/core/foundation_settings.py"))

    def route(self, function: str) -> str:
        """The path of a route of `health.py`."""
        prefix = find('APIRouter\\(prefix="(.*?)"', self.health)
        return prefix + find(rf'@router\.get\("(.*)"\)\nasync def {function}\(', self.health)

    def mount(self, pod: Manifest, volume: str) -> str:
        """Where a pod mounts a volume."""
        mounts = {mount["name"]: mount["mountPath"] for mount in container(pod)["volumeMounts"]}
        return str(mounts[volume])


def production_commands(service: Path) -> str:
    """The commands of the README that start the service in production."""
    return read(service, "README.md").partition("In production,")[2].partition("\n```\n")[0]


PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def next_path(service: Path, pattern: str) -> str:
    [path] = service.glob(pattern)
    return path.relative_to(service).as_posix()


@dataclass
class Difference:
    """A change of one file, and what it disagrees about."""

    file: str
    old: str
    new: str
    about: str


BASE = "deploy/kubernetes/base"
WORKLOADS = f"{BASE}/workloads.yaml"
DIFFERENCES = [
    Difference(WORKLOADS, "containerPort: 8000", "containerPort: 8080", "port"),
    Difference("Dockerfile", "UVICORN_PORT=8000", "UVICORN_PORT=8080", "port"),
    Difference("Dockerfile", "EXPOSE 8000", "EXPOSE 8080", "port"),
    Difference("compose.yaml", ":8000:8000", ":8000:8080", "port"),
    Difference(f"{BASE}/network.yaml", "targetPort: http", "targetPort: web", "port name"),
    Difference(f"{BASE}/network.yaml", "{port: http}", "{port: web}", "port name"),
    Difference(WORKLOADS, "/health/ready, port: http", "/health/ready, port: web", "port name"),
    Difference(WORKLOADS, "path: /health/live", "path: /healthz", "liveness"),
    Difference("Dockerfile", "'/health/live'", "'/healthz'", "liveness"),
    Difference("src/my_service/api/health.py", '"/live"', '"/alive"', "liveness"),
    Difference("src/my_service/api/health.py", '"/ready"', '"/up"', "readiness"),
    Difference(WORKLOADS, "path: /health/ready", "path: /readyz", "readiness"),
    Difference("Dockerfile", "USER 10001", "USER 1000", "user"),
    Difference(WORKLOADS, "runAsUser: 10001", "runAsUser: 1000", "user"),
    Difference(WORKLOADS, "GracePeriodSeconds: 30", "GracePeriodSeconds: 60", "time to stop"),
    Difference("compose.yaml", "stop_grace_period: 30s", "stop_grace_period: 60s", "time to stop"),
    Difference("Dockerfile", "SHUTDOWN=20", "SHUTDOWN=15", "time for requests"),
    Difference(
        f"{BASE}/kustomization.yaml",
        "APP_SHUTDOWN_DELAY=5",
        "APP_SHUTDOWN_DELAY=10",
        "APP_SHUTDOWN_DELAY and requests end after the time to stop",
    ),
    Difference(
        "src/my_service/api/health.py",
        "timeout(2)",
        "timeout(3)",
        "the readiness probe waits less than the service",
    ),
    Difference(WORKLOADS, "[alembic, upgrade, head]", "[alembic, upgrade, heads]", "migrations"),
    Difference(
        "compose.yaml", "[alembic, upgrade, head]", "[alembic, upgrade, heads]", "migrations"
    ),
    Difference(WORKLOADS, "name: server\n", "name: server\n          args: [uvicorn]\n", "server"),
    Difference(WORKLOADS, "/run/secrets", "/secrets", "folder of secrets"),
    Difference(WORKLOADS, "mountPath: /tmp", "mountPath: /var/tmp", "temporary files"),
    Difference(
        "src/my_service/core/foundation_settings.py",
        'Path("/run/secrets")',
        'Path("/secrets")',
        "folder of secrets",
    ),
    Difference(".env.example", "APP_SHUTDOWN_DELAY", "APP_DELAY", "APP_SHUTDOWN_DELAY"),
    Difference(
        f"{BASE}/kustomization.yaml", "APP_DATABASE_POOL_SIZE", "APP_POOL_SIZE", "APP_POOL_SIZE"
    ),
    Difference(
        "deploy/kubernetes/overlays/production/kustomization.yaml",
        "APP_ALLOWED_HOSTS",
        "APP_HOSTS",
        "APP_HOSTS",
    ),
    Difference("compose.yaml", "- APP_ALLOWED_HOSTS", "- APP_HOSTS", "APP_HOSTS"),
    Difference(
        "deploy/kubernetes/overlays/production/kustomization.yaml",
        "- APP_SITE_URL",
        "# - APP_SITE_URL",
        "APP_SITE_URL",
    ),
    Difference("compose.yaml", "- APP_MAIL_FROM", "# - APP_MAIL_FROM", "APP_MAIL_FROM"),
    Difference("README.md", "--from-file=app_smtp_url", "", "APP_SMTP_URL"),
    Difference("README.md", "app_database_url=/dev", "app_db_url=/dev", "APP_DB_URL"),
]


class TestAgreement:
    def test_all_files_agree(self, service: Path) -> None:
        assert Facts(service).disagreements() == []

    # They test the test above, not a service.
    @pytest.mark.nightly
    @pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: f"{one.file}: {one.new}")
    def test_a_difference_is_found(
        self, render: Renders, tmp_path: Path, difference: Difference
    ) -> None:
        answers = {**ANSWERS, "authentication": "sessions"}
        service = shutil.copytree(render(**answers), tmp_path / "service")
        text = read(service, difference.file)
        assert difference.old in text
        changed = text.replace(difference.old, difference.new, 1)
        (service / difference.file).write_text(changed, encoding="utf-8")
        assert difference.about in Facts(service).disagreements()


class TestReadme:
    def test_its_commands_create_what_the_pods_need(self, service: Path, tmp_path: Path) -> None:
        built = build(service, "staging")
        (value := tmp_path / "value").write_text("postgresql://db.example/app\n", encoding="utf-8")
        keys = {"app_database_url"}
        if "aiosmtplib" in read(service, "pyproject.toml"):
            keys.add("app_smtp_url")
            (tmp_path / "app_smtp_url").write_text("smtp://smtp.example\n", encoding="utf-8")
        created: Manifests = {}
        for words in commands(service):
            if words[:2] == ["kubectl", "create"]:
                options = ["--dry-run=client", "--output=yaml"]
                arguments = [word.replace("/dev/stdin", str(value)) for word in words[1:]]
                done = run(kubectl(*arguments, *options), tmp_path)
                assert done.returncode == 0, done.stderr
                manifest: dict[str, Any] = yaml.safe_load(done.stdout)
                created[manifest["kind"]] = manifest
        namespace = built["Deployment"]["metadata"]["namespace"]
        assert created["Namespace"]["metadata"]["name"] == namespace
        [volume, _] = built["Deployment"]["spec"]["template"]["spec"]["volumes"]
        if "Job" in built:
            metadata = created["Secret"]["metadata"]
            assert (metadata["name"], metadata["namespace"]) == (
                volume["secret"]["secretName"],
                namespace,
            )
            assert created["Secret"]["data"].keys() == keys

    def test_its_commands_name_what_exists(self, service: Path) -> None:
        built = build(service, "staging")
        objects = {
            f"{kind.lower()}/{manifest['metadata']['name']}" for kind, manifest in built.items()
        }
        lines = [" ".join(words) for words in commands(service)]
        text = "\n".join(lines).replace("delete job ", "delete job/")
        assert {*re.findall(r"(?:deployment|job)/\S+", text)} == {
            name for name in objects if name.startswith(("deployment/", "job/"))
        }
        [overlay] = re.findall("--kustomize (.*)", text)
        assert (service / overlay / "kustomization.yaml").is_file()
        # Kubernetes refuses a change of a Job.
        if "Job" in built:
            order = [words[1] for words in commands(service) if words[0] == "kubectl"]
            assert order[-4:] == ["delete", "apply", "wait", "rollout"]


def commands(service: Path) -> list[list[str]]:
    """The commands of the README, with its variable."""
    section = read(service, "README.md").partition("\n## On Kubernetes\n")[2].partition("\n## ")[0]
    text = "".join(re.findall("^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    lines = [shlex.split(line, comments=True) for line in text.replace("\\\n", "").splitlines()]
    variables = dict(word.split("=") for word in lines[0][1:])
    return [[Template(word).substitute(variables) for word in words] for words in lines]
