"""Follows the pages for beginners with built distributions, in clean environments, and writes a transcript.

The environments are a new folder with a virtual environment, a new npm project, and a Debian system made by
debootstrap, in which the user of the container runs the same commands and those of the Dockerfile. None of them has a
checkout.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tests.dist.build import ROOT
from tests.docs.pages import PORT, blocks, free_port

USER: Final = 65534
"""The user of the container."""
SECONDS: Final = 900
SHOWN: Final = 8
"""Lines of a command's output that the transcript shows."""
WIDEST: Final = 400
"""Characters of a line that the transcript shows."""
PAGE: Final = Path("examples", "pages", "pixel-painter.txt")
LAUNCHER_README: Final = (ROOT / "mock_server" / "npm" / "README.md").read_text("utf-8")
INTEROP: Final = json.loads((ROOT / "tests" / "interop" / "package.json").read_text("utf-8"))["devDependencies"]
BROKEN: Final = "--html report.html"
"""The command of the page about contract runs that finds broken rules, so its exit code is 1."""


class Failed(Exception):
    """A command that didn't do what it should; the message has what it printed."""


@dataclass(frozen=True)
class Environment:
    """A place in which commands run: the first words of each command, a folder and the variables.

    `inside` is the folder as the commands see it, and `installs` replaces the paths of a checkout by distributions.
    `lines` is the transcript.
    """

    name: str
    folder: Path
    variables: Mapping[str, str]
    installs: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    inside: str = ""
    lines: list[str] = field(default_factory=list)

    def below(self, name: str) -> "Environment":
        """Returns the same environment in a new folder below."""
        made = replace(self, folder=self.folder / name, inside=f"{self.inside or self.folder}/{name}")
        made.folder.mkdir()
        if self.prefix:
            os.chown(made.folder, USER, USER)
        return made

    def exporting(self, line: str) -> "Environment":
        """Returns the environment in which later commands have the variable of a line such as `export A="$PWD/b"`."""
        name, _, value = line.removeprefix("export ").partition("=")
        self.lines.append(f"$ {line}")
        done = subprocess.run(
            self.command(f"printf %s {value}"), capture_output=True, text=True, check=True, timeout=SECONDS
        )
        return replace(self, variables={**self.variables, name: done.stdout})

    def command(self, text: str) -> list[str]:
        """Returns a command of a shell with these variables only."""
        variables = [f"{name}={value}" for name, value in self.variables.items()]
        folder = shlex.quote(self.inside or str(self.folder))
        return [*self.prefix, "env", "-i", *variables, "sh", "-c", f"cd {folder} && {text}"]

    def run(self, text: str, *, code: int = 0) -> str:
        """Runs a command, adds it to the transcript, and returns what it printed. Raises Failed."""
        began = time.monotonic()
        done = subprocess.run(
            self.command(text), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        printed = done.stdout + done.stderr
        if done.returncode != code:
            raise Failed(f"{self.name}: {text}: exit code {done.returncode} instead of {code}\n{printed[-4000:]}")
        lines = [line[:WIDEST] for line in printed.splitlines() if line.strip()]
        hidden = [f"... {len(lines) - SHOWN} more lines"] if len(lines) > SHOWN else []
        shown = [*lines[: SHOWN - 1], *hidden, lines[-1]] if hidden else lines
        self.lines.extend([f"$ {text}", *shown, *([f"(exit code {code})"] if code else [])])
        print(f"{self.name}: {text}  ({time.monotonic() - began:.1f} s)", flush=True)
        return printed

    @contextmanager
    def background(self, text: str) -> Iterator[None]:
        """Runs a command that serves, until the end of the block. Raises Failed if it prints no address."""
        command = self.command(f"exec {text}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline().rstrip()
                if "http://" not in line:
                    raise Failed(f"{self.name}: {text} printed {line!r} instead of its address")
                self.lines.extend([f"$ {text} &", line])
                yield
            finally:
                os.killpg(process.pid, signal.SIGTERM)  # npx starts another process
                process.wait(30)

    def write(self, name: str, text: str) -> None:
        """Writes a file into the folder."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")
        self.lines.append(f"# {name}: as on the page")


def follow(environment: Environment, page: str, skipped: Sequence[str] = (), narrow: str = "") -> None:
    """Follows a page of docs/: writes its files and runs its commands. Raises Failed.

    Leaves out commands that start with one of `skipped`, and adds `narrow` to contract runs, which saves time.
    """
    environment.lines.append(f"# docs/{page}")
    port = free_port()
    with ExitStack() as servers:
        for block in blocks(page):
            text = block.text.replace(f":{PORT}", f":{port}").replace(f"--port {PORT}", f"--port {port}")
            if block.name:
                environment.write(block.name, text)
            for line in text.splitlines() if block.language == "sh" else ():
                if line.startswith(tuple(skipped)):
                    continue
                if line.startswith("export "):
                    environment = environment.exporting(line)
                    continue
                command = _installed(line, environment.installs)
                if re.search(r"segforge[ -]mock ", command):
                    servers.enter_context(environment.background(command))
                else:
                    more = narrow if "segforge contract" in command else ""
                    environment.run(command + more, code=1 if BROKEN in command else 0)


def _installed(command: str, installs: Mapping[str, str]) -> str:
    """Returns a command that installs from distributions instead of a checkout."""
    for path, distribution in installs.items():
        command = command.replace(path, distribution)
    return command


def maintain(environment: Environment, source: Path) -> None:
    """Follows the page for maintainers with the specs of a source distribution, and without make. Raises Failed."""
    with tarfile.open(source) as archive:
        members = [each for each in archive.getmembers() if each.name.split("/")[1:2] == ["specs"]]
        archive.extractall(environment.folder, members, filter="data")
    [unpacked] = environment.folder.glob("segforge-*")
    (unpacked / "specs").rename(environment.folder / "specs")
    unpacked.rmdir()
    (environment.folder / PAGE).parent.mkdir(parents=True)
    shutil.copy(ROOT / PAGE, environment.folder / PAGE)
    for path in (environment.folder, *environment.folder.rglob("*")):
        if environment.prefix:
            os.chown(path, USER, USER)
    environment.lines.append(f"# specs is from {source.name}, and {PAGE} is the page to read")
    environment.run("python3 -m venv .venv")
    environment.run(_installed(".venv/bin/pip install './segforge[all]'", environment.installs))
    follow(environment, "start/maintainer.md", skipped=["make "])


def passed_on() -> dict[str, str]:
    """Returns the variables that installers need: where their indexes, certificates and proxies are."""
    names = re.compile(r"pip_|npm_config_|node_extra_ca|ssl_|(https?|all|no)_proxy$", re.IGNORECASE)
    return {name: value for name, value in os.environ.items() if names.match(name)}


def _new_folder(work: Path, name: str, title: str, dist: Path) -> Environment:
    folder = work / name
    folder.mkdir()
    [segforge], [client] = (list(dist.glob(f"{each}-*.whl")) for each in ("segforge", "segmind_client"))
    npm = {
        f"./segforge/dist/{each}-*.tgz": str(next(dist.glob(f"{each}-*.tgz")))
        for each in ("segmind-client", "segforge-mock")
    }
    installs = {"./segforge/generated/python": str(client), **npm}
    node = Path(shutil.which("node") or "node").parent
    variables = {"HOME": str(folder), "PATH": f"{sys.base_prefix}/bin:{node}:/usr/bin:/bin", **passed_on()}
    quiet = {"PIP_QUIET": "2", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CACHE_DIR": f"{work}/cache"}
    return Environment(
        title, folder, {**variables, **quiet, "npm_config_fund": "false"}, {**installs, "./segforge": str(segforge)}
    )


def virtual_environment(work: Path, dist: Path) -> Environment:
    """Follows the pages for Python, for contract runs and for maintainers."""
    environment = _new_folder(work, "venv", "new virtual environment", dist)
    follow(environment.below("python"), "start/python.md")
    follow(environment.below("ci"), "start/ci.md")
    maintain(environment.below("maintainer"), next(dist.glob("segforge-*.tar.gz")))
    return environment


def npm_project(work: Path, dist: Path) -> Environment:
    """Follows the page for TypeScript, and runs the samples of the launcher in Vitest and Jest."""
    environment = _new_folder(work, "npm", "new npm project", dist)
    project = environment.below("typescript")
    follow(project, "start/typescript.md", skipped=["make "])
    tools = " ".join(f"{name}@{INTEROP[name]}" for name in ("jest", "vitest"))
    project.lines.append("# the samples of segforge-mock, which finds segforge in .venv/bin")
    project.run(f"npm install --silent --save-dev {tools}")
    with_segforge = replace(
        project, variables={**project.variables, "PATH": f"{project.folder}/.venv/bin:{project.variables['PATH']}"}
    )
    for language, name, command in (
        ("ts", "vitest/sample.test.ts", "npx vitest run --dir vitest"),
        ("js", "jest/sample.test.js", "npx jest --rootDir jest --watchman=false"),
    ):
        [sample] = re.findall(rf"^```{language}\n(.*?)^```", LAUNCHER_README, re.DOTALL | re.MULTILINE)
        project.write(name, sample)
        with_segforge.run(command)
    return environment


def debian(work: Path, dist: Path) -> Environment:
    """Runs the steps of the Dockerfile and follows the pages in a new Debian system, as the user of the container."""
    system = Path(os.environ.get("DEBIAN_ROOT", work / "debian"))
    if not system.is_dir():
        make = ["debootstrap", "--variant=minbase", "--include=python3-venv", "bookworm", str(system)]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
    # The system has the network of this machine, and the certificates that it trusts.
    for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(Path("/", name), system / name)
    home = system / "srv" / "user"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(dist, home / "dist")
    for path in (home, *home.rglob("*")):
        os.chown(path, USER, USER)
    outside = _new_folder(work, "outside", "new Debian system", dist)
    variables = {**outside.variables, "HOME": "/srv/user", "PATH": "/usr/bin:/bin", "PIP_CACHE_DIR": "/srv/user/cache"}
    installs = {path: each.replace(str(dist), "/srv/user/dist") for path, each in outside.installs.items()}
    prefix = ("chroot", f"--userspec={USER}:{USER}", str(system))
    environment = replace(
        outside, folder=home, variables=variables, installs=installs, prefix=prefix, inside="/srv/user"
    )
    container(environment.below("container"))
    follow(environment.below("python"), "start/python.md")
    follow(environment.below("ci"), "start/ci.md")
    maintain(environment.below("maintainer"), next(dist.glob("segforge-*.tar.gz")))
    return environment


def container(environment: Environment) -> None:
    """Runs the steps of the Dockerfile: the installation, the entry point and the health check. Raises Failed."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    found = re.findall(r"^\s*(CMD|ENTRYPOINT) (\[.*\])$", text, re.MULTILINE)
    arrays = {name: shlex.join(json.loads(array)).replace("/opt/segforge/", ".venv/") for name, array in found}
    [extras] = re.findall(r"'\.(\[[a-z,]+\])'", text)
    environment.lines.append("# Dockerfile")
    environment.run("id --user && python3 -m venv .venv")
    environment.run(_installed(f".venv/bin/pip install './segforge{extras}'", environment.installs))
    port = free_port()
    with environment.background(arrays["ENTRYPOINT"].replace(PORT, port).replace("0.0.0.0", "127.0.0.1")):
        environment.run(arrays["CMD"].replace(PORT, port))


PLACES: Final[Mapping[str, Callable[[Path, Path], Environment]]] = {
    "venv": virtual_environment,
    "npm": npm_project,
    "debian": debian,
}


def transcript(environments: Sequence[Environment], dist: Path, work: Path) -> str:
    """Returns the page of the docs. Paths of this machine are left out."""
    text = [
        "# Clean environments",
        "",
        "`make dist-proof` wrote this page. It follows the pages of *Start* with what `make dist` built, "
        "in three environments",
        "without a checkout. Only the paths of the installations and the ports differ from the pages, and commands of",
        "make are left out, since they need a checkout. Long outputs are shortened.",
    ]
    for environment in environments:
        lines = "\n".join(environment.lines)
        for path, name in (
            (str(dist), "dist"),
            (str(environment.folder), ""),
            (environment.inside, ""),
            (str(work), ""),
        ):
            lines = lines.replace(path, name) if path else lines
        text += ["", f"## In a {environment.name}", "", "```console", *map(str.rstrip, lines.splitlines()), "```"]
    return re.sub("\x1b\\[[0-9;]*m", "", "\n".join(text)) + "\n"


def main() -> int:
    """Returns 0 if all commands worked, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path, help="folder that make dist filled")
    parser.add_argument("--only", nargs="+", choices=PLACES, default=list(PLACES), help="some of the environments")
    parser.add_argument("--transcript", type=Path, metavar="FILE", help="page to write")
    args = parser.parse_args()
    dist: Path = args.dist.resolve()
    with tempfile.TemporaryDirectory(prefix="dist-proof-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        try:
            environments = [PLACES[name](work, dist) for name in args.only]
        except (Failed, subprocess.SubprocessError, OSError) as error:
            print(f"make dist-proof: {error}", file=sys.stderr)
            return 1
        if args.transcript is not None:
            args.transcript.write_text(transcript(environments, dist, work), "utf-8")
    print(f"all commands worked in {len(environments)} clean environments")
    return 0


if __name__ == "__main__":
    sys.exit(main())
