"""Builds container images without a daemon or a registry, and runs them as a compose file says."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml
from databases import TIMEOUT
from harness import IS_REQUIRED, TEMPLATE
from uv import find_uv_bin

MEGABYTE = 2**20
# For commands that install packages or run tests, in seconds.
LONG_TIMEOUT = 10 * TIMEOUT
PROGRAMS = ("apt-get", "buildah", "chroot", "dpkg-deb", "nsenter", "setpriv", "unshare")
IS_ROOT = sys.platform == "linux" and os.getuid() == 0
CAN_BUILD = IS_ROOT and all(map(shutil.which, PROGRAMS))
NO_BUILDAH = "no image was built: run as root on Debian, and apt-get install buildah"
NEEDS_BUILDAH = pytest.mark.skipif(
    not CAN_BUILD and not (IS_ROOT and IS_REQUIRED), reason=NO_BUILDAH
)

# Without the format of Docker there is no health check.
OPTIONS = ("--format=docker", "--isolation=chroot", "--pull-never")
BASE_IMAGE = """\
FROM scratch
COPY . /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
"""
UV_IMAGE = "FROM scratch\nCOPY uv /uv\n"
# As a container runtime does: a read-only root, a few mounts, a user who cannot gain privileges.
RUN = """\
set -eu
root=$1 user=$2
shift 2
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount --rbind /dev dev
while [[ $1 != -- ]]; do
    if [[ $1 == tmpfs ]]; then
        mount -t tmpfs -o mode=1777 tmpfs ".$2"
    elif [[ -d $1 ]]; then
        mkdir -p ".$2" && mount --bind "$1" ".$2"
    else
        mkdir -p ".${2%/*}" && touch ".$2" && mount --bind "$1" ".$2"
    fi
    shift 2
done
shift
mount -o remount,bind,ro "$root"
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
"""


@dataclass
class Image:
    """An image whose files are in a folder, which a mount namespace has."""

    root: Path
    namespace: str
    config: Mapping[str, Any]
    history: list[str]
    # The absolute paths in it.
    files: list[str]
    # What the build printed, and how long it took.
    output: str
    seconds: float

    @property
    def command(self) -> list[str]:
        """The command of the server."""
        return [str(word) for word in self.config["Cmd"]]

    @property
    def health_check(self) -> list[str]:
        """The command of the health check."""
        kind, *command = self.config["Healthcheck"]["Test"]
        assert kind == "CMD"
        return [str(word) for word in command]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        return dict(variable.split("=", 1) for variable in self.config["Env"])


class Builder:
    """Builds images, with Buildah, on base images that are made here.

    Its mounts are in a mount namespace, and end with the process that keeps it.

    Args:
        folder: for the storage of Buildah.
        python: the version that the base image has.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self._folder = folder
        self._keeper = subprocess.Popen(["unshare", "--mount", "cat"], stdin=subprocess.PIPE)
        self._namespace = f"/proc/{self._keeper.pid}/ns/mnt"
        self.base = folder / "base"
        self.uv = find_uv_bin()
        script = [str(TEMPLATE / "tests/make_base_image.sh"), str(self.base), python]
        subprocess.run(script, check=True)
        self._build(self.base, BASE_IMAGE, f"docker.io/library/python:{python}-slim-trixie")
        (folder / "uv").mkdir()
        shutil.copy(self.uv, folder / "uv/uv")
        self._build(folder / "uv", UV_IMAGE, f"ghcr.io/astral-sh/uv:{self.uv_version}")

    def close(self) -> None:
        """Unmount everything."""
        self._keeper.kill()
        self._keeper.communicate()

    @property
    def uv_version(self) -> str:
        """The version of uv that builds images."""
        return subprocess.check_output([self.uv, "self", "version", "--short"], text=True).split()[
            0
        ]

    def build(self, context: Path, name: str, *options: str) -> Image:
        """Build an image, and mount its files."""
        start = time.monotonic()
        output = self.buildah("build", *OPTIONS, *options, "--tag", name, str(context))
        seconds = time.monotonic() - start
        inspected = json.loads(self.buildah("inspect", "--type=image", name))
        container = self.buildah("from", "--pull-never", name).strip()
        mounted = self.buildah("mount", container).strip()
        root = Path(f"/proc/{self._keeper.pid}/root{mounted}")
        files = [f"/{path.relative_to(root)}" for path in sorted(root.rglob("*"))]
        history = [step["created_by"] for step in inspected["History"]]
        config = inspected["Docker"]["config"]
        return Image(root, self._namespace, config, history, files, output, seconds)

    def lock(self, project: Path) -> None:
        """Write the lock file of a project, with the Python of the base image."""
        self.run(
            ["uv", "lock", "--no-cache", "--no-progress"], {"/tmp/project": project}, {}, "0:0"
        )

    def run(
        self,
        command: list[str],
        folders: Mapping[str, Path],
        variables: Mapping[str, str],
        user: str,
    ) -> None:
        """Run a command to its end in the base image, with uv, a network, and folders of the host.

        Args:
            command: the command; the first of the folders is its working directory.
            folders: by their paths in the container.
            variables: those that the container has besides the image's.
            user: the numbers of a user and a group.
        """
        config = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "WorkingDir": next(iter(folders))}
        authorities = "SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"
        mounts = {
            "/etc/resolv.conf": "/etc/resolv.conf",
            "/tmp": "tmpfs",
            "/usr/local/bin/uv": self.uv,
            **{path: str(folder) for path, folder in folders.items()},
        }
        base = Image(self.base, self._namespace, config, [], [], "", 0)
        log = self._folder / "run.log"
        variables = dict([authorities]) | {**variables}
        with running(base, command, variables, mounts, user, log) as process:
            assert process.wait(LONG_TIMEOUT) == 0

    def buildah(self, *words: str, stdin: str = "") -> str:
        """Run Buildah, and return what it prints."""
        done = subprocess.run(
            ["nsenter", f"--mount={self._namespace}", *self._command(), *words],
            env=self._environment(),
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def find(self, text: str) -> list[str]:
        """The files with a text in the storage of Buildah: those of all stages and layers."""
        words = ["grep", "--recursive", "--files-with-matches", "--fixed-strings", text]
        done = subprocess.run(
            [*words, str(self._folder / "storage")], capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        return done.stdout.splitlines()

    def _build(self, context: Path, text: str, name: str) -> None:
        words = ("build", "--quiet", "--isolation=chroot", "--file=-", "--tag", name)
        self.buildah(*words, str(context), stdin=text)

    def _command(self) -> list[str]:
        storage = self._folder / "storage"
        return ["buildah", f"--root={storage}", f"--runroot={self._folder / 'run'}"]

    def _environment(self) -> dict[str, str]:
        # The cache mounts are in this folder too.
        (temporary := self._folder / "tmp").mkdir(exist_ok=True)
        return os.environ | {"TMPDIR": str(temporary)}


@contextmanager
def running(
    image: Image,
    command: list[str],
    variables: Mapping[str, str],
    mounts: Mapping[str, str],
    user: str,
    log: Path,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in an image; it is process 1, on a read-only root.

    Args:
        image: the image.
        command: the command.
        variables: those that the container has besides the image's.
        mounts: by their targets, the files and folders that are mounted, or `tmpfs`.
        user: the numbers of a user and a group.
        log: where the output goes.
    """
    environment = {**image.environment, **variables}
    words = [word for target, source in mounts.items() for word in (source, target)]
    inside = ["/usr/bin/env", "-i", f"--chdir={image.config['WorkingDir']}"]
    pairs = [f"{name}={value}" for name, value in environment.items()]
    root = re.sub("^/proc/[0-9]+/root", "", str(image.root))
    arguments = [root, user, *words, "--", *inside, *pairs, *command]
    enter = ["nsenter", f"--mount={image.namespace}"]
    unshare = ["unshare", "--mount", "--pid", "--fork"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*enter, *unshare, "bash", "-c", RUN, "bash", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        # The kernel forgets to kill with its parent a process that changes its user.
        if process.poll() is None:
            send_signal(process, signal.SIGKILL)
        process.kill()
        process.wait(TIMEOUT)
        print(log.read_text(encoding="utf-8"))


def send_signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the process 1 of a container, as a runtime does."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), number)


def terminate(process: subprocess.Popen[bytes]) -> None:
    """Ask a container to stop."""
    send_signal(process, signal.SIGTERM)


@dataclass
class Compose:
    """Runs the containers of a compose file that have the image of the service.

    Args:
        service: the folder of the service.
        image: its image.
        folder: for volumes and logs.
        shell: the variables of the shell, which the compose file may pass on.
        variables: what every container has besides, for the tests.
        mounts: what every container mounts besides, for the tests.
        user: the numbers of a user and a group, instead of the image's user.
    """

    service: Path
    image: Image
    folder: Path
    shell: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)
    user: str = ""

    @cached_property
    def file(self) -> dict[str, Any]:
        """The compose file."""
        parsed = yaml.safe_load((self.service / "compose.yaml").read_text(encoding="utf-8"))
        assert isinstance(parsed, dict)
        return parsed

    def find_mounts(self, container: Mapping[str, Any]) -> dict[str, str]:
        """The targets and sources of what a container mounts."""
        mounts = dict.fromkeys(container["tmpfs"], "tmpfs")
        for volume in container.get("volumes", []):
            source, target = volume.split(":")
            assert source in self.file["volumes"]
            mounts[target] = str(self.volume(source, target))
        for secret in container.get("secrets", []):
            file = self.service / self.file["secrets"][secret]["file"]
            mounts[f"/run/secrets/{secret}"] = str(file)
        return mounts | {**self.mounts}

    def volume(self, name: str, target: str) -> Path:
        """The folder of a volume; a new one has the mode of that in the image."""
        folder = self.folder / "volumes" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod((self.image.root / target.lstrip("/")).stat().st_mode & 0o7777)
        return folder

    @contextmanager
    def running(self, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a container, or another command in it."""
        container = self.file["services"][name]
        assert container["read_only"]
        assert container["cap_drop"] == ["ALL"]
        assert container["security_opt"] == ["no-new-privileges:true"]
        passed = {key: self.shell[key] for key in container["environment"] if key in self.shell}
        words = [*command] or container.get("command") or self.image.command
        user = self.user or f"{self.image.config['User']}:0"
        mounts = self.find_mounts(container)
        variables = passed | {**self.variables}
        with running(self.image, words, variables, mounts, user, self.log_file(name)) as process:
            yield process

    def run(self, name: str, *command: str) -> int:
        """Run a container, or another command in it, to the end, and return its exit code."""
        with self.running(name, *command) as process:
            return process.wait(TIMEOUT)

    def log_file(self, name: str) -> Path:
        """Where a container prints to."""
        return self.folder / f"{name}.log"


@dataclass
class Sizes:
    """The bytes of an image: of its base, of wheels, of their bytecode, and of the rest."""

    base: int
    wheels: int
    bytecode: int
    rest: int

    def __str__(self) -> str:
        numbers = [f"{name} {value / MEGABYTE:.1f}" for name, value in vars(self).items()]
        return f"{sum(vars(self).values()) / MEGABYTE:.0f} MB ({', '.join(numbers)})"


def measure_image(image: Image, base: Path) -> Sizes:
    """Measure an image."""
    packages = next(image.root.glob("app/.venv/lib/python*/site-packages"))
    wheels = 0
    for record in packages.glob("*.dist-info/RECORD"):
        with record.open(encoding="utf-8", newline="") as rows:
            wheels += sum(int(row[2]) for row in csv.reader(rows) if row and row[2])
    bytecode, of_base = measure(packages, r"\.pyc$"), measure(base)
    return Sizes(of_base, wheels, bytecode, measure(image.root) - of_base - wheels - bytecode)


def measure(folder: Path, pattern: str = "") -> int:
    """The bytes of the files of a folder whose names match."""
    return sum(
        path.lstat().st_size
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and re.search(pattern, path.name)
    )
