"""Builds and runs the containers without an engine: `python -m tests.harness.container [FOLDER]`, as root.

It carries out the steps of the Dockerfile in folders, and runs the result in a chroot with namespaces of its own for
the network, the processes and the mounts: as the user of the Dockerfile, as process 1, on a file system that can't be
written. debootstrap makes the stand-in for the base image: Debian with the same Python, which is kept in FOLDER.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.shared import read_yaml

ROOT = Path(__file__).parents[2]
SUITE, PACKAGES = "bookworm", ("python3-pip", "python3.11-venv", "ca-certificates")
"""The release of Debian with the Python of the Dockerfile, and what the base image has beside the essentials."""
KEY = "SG_0123456789abcdef"
NEEDED = ("debootstrap", "unshare", "nsenter", "ip", "redis-server")
SECONDS = 30.0
MODELS = ("style-transfer", "flux-img2img")


@dataclass
class Image:
    """What the Dockerfile says of its last stage, and the folder of its files."""

    root: Path
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yields the name and the arguments of each instruction."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, arguments = line.strip().partition(" ")
            yield name, arguments.strip()


def execute(*command: str | Path, **environment: str) -> str:
    """Runs a command. Returns its output; raises SystemExit with the output if it fails."""
    variables = {**os.environ, **environment}
    done = subprocess.run(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"container: {' '.join(map(str, command))} failed with {done.returncode}:\n{done.stdout}")
    return done.stdout


def make_base(folder: Path) -> None:
    """Fills a folder with the stand-in for python:3.11-slim."""
    execute("debootstrap", "--variant=minbase", SUITE, folder)
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes", "--no-install-recommends")
    execute("chroot", folder, *apt, *PACKAGES)
    execute("chroot", folder, "apt-get", "clean")
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3.11")  # the images have this name


def build(base: Path, folder: Path) -> Image:
    """Carries out the Dockerfile. Raises ValueError for an instruction that it does not know."""
    stages: dict[str, Image] = {}
    image = Image(base)
    for name, text in instructions((ROOT / "Dockerfile").read_text("utf-8")):
        match name:
            case "FROM":
                words = text.split()
                if words[0] != f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim":
                    raise ValueError(f"the stand-in has Python 3.11, but the Dockerfile starts from {words[0]}")
                image = Image(folder / (words[2] if len(words) > 1 else "last"))
                stages[image.root.name] = image
                execute("cp", "--archive", "--reflink=auto", base, image.root)
            case "WORKDIR":
                image.workdir = text
                (image.root / text.lstrip("/")).mkdir(parents=True)
            case "COPY":
                _copy(text.split(), image, stages)
            case "RUN":
                with _online(image.root):
                    execute("chroot", image.root, "sh", "-c", f"cd {image.workdir} && {text}")
            case "USER":
                image.user = text
            case "EXPOSE":
                image.ports = text.split()
            case "HEALTHCHECK":
                image.health = json.loads(text.partition("CMD ")[2])
            case "ENTRYPOINT":
                image.entrypoint = json.loads(text)
            case "LABEL":
                pass
            case _:
                raise ValueError(f"this script does not know the instruction {name}")
    return image


def _copy(words: Sequence[str], image: Image, stages: dict[str, Image]) -> None:
    """Copies files of the build context, as far as .dockerignore lets them in, or of another stage."""
    option, words = (words[0], words[1:]) if words[0].startswith("--from=") else ("", words)
    *sources, target = words
    where = image.root / (target if target.startswith("/") else f"{image.workdir}/{target}").lstrip("/")
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for source in sources:
        if option:
            execute("cp", "--archive", stages[option.partition("=")[2]].root / source.lstrip("/"), where)
        elif not any(fnmatch(source, pattern) for pattern in kept):
            raise ValueError(f"COPY {source}: .dockerignore keeps it out of the build")
        elif (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, where, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / source, where)


@contextmanager
def _online(root: Path) -> Iterator[None]:
    """Lets the programs in a folder use the name servers, certificates and pip configuration of this machine."""
    names = ("resolv.conf", "hosts", "pip.conf", "xdg/pip/*", "ssl/certs/ca-certificates.crt")
    backup: dict[Path, bytes | None] = {}
    for path in (path for name in names for path in Path("/etc").glob(name)):
        inside = root / str(path).lstrip("/")
        backup[inside] = inside.read_bytes() if inside.is_file() else None
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_bytes(path.read_bytes())
    try:
        yield
    finally:
        for inside, before in backup.items():
            if before is None:
                inside.unlink()
            else:
                inside.write_bytes(before)


@dataclass
class Container:
    """A running image: its process as this machine knows it."""

    image: Image
    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        """The process that is number 1 inside."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def within(self, *command: str | Path) -> list[str]:
        """Returns a command that runs beside the container, in its network."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", *map(str, command)]

    def is_healthy(self) -> bool:
        """Runs the health check of the Dockerfile, as its user."""
        check = self.within("chroot", f"--userspec={self.image.user}", self.image.root, *self.image.health)
        return not subprocess.run(check, capture_output=True, check=False, timeout=5).returncode

    def stop(self) -> float:
        """Sends SIGTERM to process 1, as engines do. Returns the seconds until it ended with 0."""
        since = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        code = self.process.wait(10)  # the time that engines give it
        if code:
            raise SystemExit(f"container: the mock ended with {code} after SIGTERM; expected 0")
        return time.monotonic() - since


_INSIDE = """
ip link set lo up
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
user=$2; root=$1; shift 2
exec chroot --userspec="$user" "$root" env --ignore-environment PATH=/usr/local/bin:/usr/bin:/bin HOME=/ "$@"
"""


@contextmanager
def running(image: Image, *arguments: str, beside: Callable[[int], None] = lambda _: None) -> Iterator[Container]:
    """Runs the entry point in namespaces of its own. Calls `beside` with the process before waiting for its health."""
    namespaces = ["unshare", "--net", "--pid", "--fork", "--mount", "--kill-child"]
    command = [*namespaces, "sh", "-ec", _INSIDE, "sh", str(image.root), image.user, *image.entrypoint, *arguments]
    with subprocess.Popen(command, text=True) as process:
        container = Container(image, process)
        try:
            wait_until(lambda: container.pid != 0, "the process of the container")
            beside(container.pid)
            wait_until(container.is_healthy, "the health check")
            yield container
        finally:
            process.kill()


def wait_until(holds: Callable[[], bool], name: str) -> None:
    """Waits until a condition holds, at most SECONDS."""
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"container: waited {SECONDS:g} s for {name}")
        time.sleep(0.05)


def contract(container: Container) -> str:
    """Runs the contract tests against the container, from its network. Returns their line of success."""
    port = container.image.ports[0]
    command = [sys.executable, "-m", "segforge.cli", "contract", "--target", f"http://127.0.0.1:{port}", "--forget"]
    printed = execute(*container.within(*command, "--models", *MODELS), SEGMIND_API_KEY=KEY).splitlines()
    return next(line for line in reversed(printed) if line.startswith("all "))


def megabytes(folder: Path) -> float:
    """Returns the size of the files of a folder."""
    return int(execute("du", "--summarize", "--bytes", folder).split()[0]) / 1e6


def prove_image(image: Image) -> None:
    """Checks the user, the health check, the answers and the end of a container without arguments."""
    since = time.monotonic()
    with running(image) as container:
        print(f"healthy after {time.monotonic() - since:.1f} s on a read-only file system")
        status = Path(f"/proc/{container.pid}/status").read_text()
        owners = {line.split()[0]: set(line.split()[1:]) for line in status.splitlines() if line[:3] in ("Uid", "Gid")}
        if owners != {"Uid:": {image.user.split(":")[0]}, "Gid:": {image.user.split(":")[1]}}:
            raise SystemExit(f"container: expected the user {image.user}, found {owners}")
        print(f"process 1 has the user and the group {image.user}")
        print(f"contract: {contract(container)}")
        os.kill(container.pid, signal.SIGSTOP)
        if container.is_healthy():
            raise SystemExit("container: the health check holds while the mock stands still")
        os.kill(container.pid, signal.SIGCONT)
        print("the health check fails while the mock stands still")
        print(f"ended {container.stop():.1f} s after SIGTERM with exit code 0")


def prove_compose(image: Image, folder: Path) -> None:
    """Runs both services of the compose file in one network, the names of services in /etc/hosts."""
    services = read_yaml((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    (image.root / "etc/hosts").write_text("127.0.0.1 localhost redis\n")
    data = folder / "redis"
    data.mkdir()

    def redis(pid: int) -> None:
        command = ["nsenter", f"--net=/proc/{pid}/ns/net", *services["redis"]["command"], "--dir", str(data)]
        wait_until(
            lambda: "LOOPBACK,UP" in execute("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link"), "the network"
        )
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    started: list[subprocess.Popen[bytes]] = []
    try:
        with running(image, *services["mock"]["command"], beside=redis) as container:
            print(f"compose: {contract(container)}")
            print(f"compose: ended {container.stop():.1f} s after SIGTERM")
    finally:
        for process in started:
            process.terminate()
            process.wait(10)


def prove_recipes(folder: Path) -> None:
    """Checks the types of both recipes of the docs, and runs them until they look for an engine."""
    page = (ROOT / "docs/how-to/containers.md").read_text("utf-8")
    texts = dict(re.findall(r"```(python|typescript)\n(.*?)```", page, re.DOTALL))
    python = folder / "python/bin/python"
    execute(sys.executable, "-m", "venv", folder / "python")
    execute(python, "-m", "pip", "install", "--quiet", "testcontainers==4.15.0", "pytest")
    (folder / "test_recipe.py").write_text(f"{texts['python']}\ndef test_url(segmind_url: str) -> None: ...\n")
    types = ("--strict", "--cache-dir", folder / "types", "--python-executable", python)
    execute(sys.executable, "-m", "mypy", *types, folder / "test_recipe.py")
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{folder}/none"}
    fails([python, "-m", "pytest", "-q", folder / "test_recipe.py"], nowhere, "docker.errors.DockerException")
    packages = ("testcontainers@11.14.0", "typescript@5.9.3", "@types/node@20")
    execute("npm", "install", "--prefix", folder, "--ignore-scripts", "--silent", *packages)
    (folder / "recipe.mts").write_text(texts["typescript"])
    strict = ("--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022")
    execute("node", folder / "node_modules/typescript/bin/tsc", *strict, folder / "recipe.mts")
    fails(["node", folder / "recipe.mjs"], nowhere, "Could not find a working container runtime strategy")
    print("recipes: both have the right types, and fail only for want of an engine")


def fails(command: Sequence[str | Path], environment: dict[str, str], message: str) -> None:
    """Runs a command that must fail with a message."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if not done.returncode or message not in done.stdout + done.stderr:
        raise SystemExit(f"container: expected the failure {message}, found:\n{done.stdout}{done.stderr}")


def main(arguments: list[str]) -> int:
    """Builds the image, proves it, and prints what it found."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        print(f"container: {', '.join(missing)} not found; install these programs with apt-get", file=sys.stderr)
        return 2
    if os.geteuid():
        print("container: chroot and namespaces need root; run it as root", file=sys.stderr)
        return 2
    kept = Path(arguments[0] if arguments else "out/container").resolve()
    base = kept / "base"
    if not (kept / "base.done").exists():
        shutil.rmtree(base, ignore_errors=True)
        kept.mkdir(parents=True, exist_ok=True)
        make_base(base)
        (kept / "base.done").touch()
    with tempfile.TemporaryDirectory(dir=kept) as name:
        folder = Path(name)
        folder.chmod(0o755)
        image = build(base, folder)
        added = megabytes(image.root) - megabytes(base)
        if abs(added - megabytes(image.root / "opt/segforge")) > 1:
            raise SystemExit(f"container: the image adds {added:.0f} MB; expected all of it in /opt/segforge")
        print(f"image: {added:.0f} MB beside the base image, all of it in /opt/segforge")
        prove_image(image)
        prove_compose(image, folder)
        recipes = folder / "recipes"
        recipes.mkdir()
        prove_recipes(recipes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
