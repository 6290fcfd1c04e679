"""Builds revisions of this project, each in a folder and a virtual environment of its own.

    python bench/revision.py FOLDER REVISION...

A revision is what git has of it, installed as anybody would install it, so that two of them differ
in nothing but their code. What is built stays in the folder and is found there the next time.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BASE = "7b7e841"
"""What later revisions are compared with, unless another is named."""

EXTRAS = ("train", "ffmpeg")
_KEPT_OUT = ("PYTHON", "VIRTUAL_ENV", "LRCN_", "OMP_", "MKL_")
"""Beginnings of the environment variables that would have a say in what a revision does."""


class CommandFailed(Exception):
    """A command ended with an error; the text has its last lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """A revision that is installed.

    Attributes:
        name: The revision's name, as it was asked for.
        commit: The full hash of the revision's commit.
        folder: The folder that the revision was built in.
    """

    name: str
    commit: str
    folder: Path

    def __str__(self) -> str:
        short = self.commit[:7]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"

    @property
    def source(self) -> Path:
        """The folder of the revision's files, as git has them."""
        return self.folder / "source"

    @property
    def programs(self) -> Path:
        """The folder of its commands."""
        return self.folder / "venv" / "bin"

    @property
    def python(self) -> Path:
        """The interpreter that imports its packages."""
        return self.programs / "python"

    def environment(self) -> dict[str, str]:
        """The environment variables of its commands: its own programs come first, one thread."""
        path = f"{self.programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**clean_environment(), "PATH": path, "OMP_NUM_THREADS": "1"}

    def start(
        self, command: str, *arguments: object, cwd: Path, **more: object
    ) -> subprocess.Popen[bytes]:
        """Start one of its commands, or any other, and don't wait.

        Args:
            command: The command's name, such as lrcn-data.
            *arguments: The command's arguments, which may be anything that has a text.
            cwd: The folder that the command runs in.
            **more: Further arguments of Popen.
        """
        return subprocess.Popen(
            [str(self.programs / command), *map(str, arguments)],
            cwd=cwd,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            **more,
        )

    def run(self, command: str, *arguments: object, cwd: Path, code: int | None = 0) -> str:
        """Run one of its commands, and give what it wrote to stdout.

        Args:
            command: The command's name, such as lrcn-data.
            *arguments: The command's arguments, which may be anything that has a text.
            cwd: The folder that the command runs in.
            code: The exit code that the command must end with; None for any.

        Raises:
            CommandFailed: The command ended with another exit code.
        """
        pipe = subprocess.PIPE
        process = self.start(command, *arguments, cwd=cwd, stdout=pipe, stderr=pipe)
        out, err = process.communicate()
        if code is not None and process.returncode != code:
            shown = " ".join([command, *map(str, arguments)])
            raise CommandFailed(
                f"{self}: `{shown}` ended with {process.returncode}, not {code}, in {cwd}:\n"
                f"{last_lines(err)}"
            )
        return out.decode()


def build(name: str, work: Path) -> Revision:
    """Build a revision, or find it where it was built before.

    Args:
        name: The revision, as git takes it: a hash, a branch, HEAD.
        work: The folder of all that is built. Other processes that use it wait meanwhile.

    Raises:
        CommandFailed: There is no such revision, or it can't be installed.
    """
    commit = _run("git", "-C", PROJECT, "rev-parse", "--verify", f"{name}^{{commit}}").strip()
    revision = Revision(name=name, commit=commit, folder=work.resolve() / commit[:12])
    finished = revision.folder / "finished"
    with _locked(work):
        if not finished.exists():
            _export(commit, revision.source)
            _install(revision, work.resolve())
            finished.touch()
    return revision


def clean_environment() -> dict[str, str]:
    """This process's environment without what would have a say in what a revision does."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_KEPT_OUT)}


def last_lines(text: bytes, count: int = 15) -> str:
    """The end of what a command wrote."""
    return "\n".join(text.decode(errors="replace").splitlines()[-count:])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of every comparison of two revisions."""
    parser.add_argument(
        "--base",
        default=BASE,
        help="The revision that has the results wanted [default: %(default)s].",
    )
    parser.add_argument(
        "--revision",
        default="HEAD",
        help="The revision that is compared with it [default: %(default)s].",
    )
    parser.add_argument(
        "--work", type=Path, help="The folder that keeps what is built for the next time."
    )
    parser.add_argument(
        "--videos",
        type=_existing_folder,
        default=os.environ.get("LRCN_REAL_VIDEOS") or None,
        help="A folder of folders of real videos [default: LRCN_REAL_VIDEOS, if it is set].",
    )


def _existing_folder(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return path


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, made where it isn't there; else one that goes away afterwards."""
    if given is None:
        with tempfile.TemporaryDirectory(prefix="lrcn-") as name:
            yield Path(name)
        return
    given.mkdir(parents=True, exist_ok=True)
    yield given.resolve()


@contextmanager
def _locked(work: Path) -> Iterator[None]:
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _export(commit: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as archive:
        command = ["git", "-C", str(PROJECT), "archive", "--format=tar", commit]
        subprocess.run(command, stdout=archive, check=True)
        archive.seek(0)
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(folder, filter="data")


def _install(revision: Revision, work: Path) -> None:
    """Install a revision beside the libraries it asks for, which others may share with it."""
    print(f"building {revision}", file=sys.stderr, flush=True)
    libraries = _libraries(revision.source, work)
    _make_environment(revision.programs.parent)
    site = _site_packages(revision.python)
    (site / "libraries.pth").write_text(f"{_site_packages(libraries / 'bin' / 'python')}\n")
    _pip(revision.python, revision.source, f"{revision.source}[{','.join(EXTRAS)}]")


def _libraries(source: Path, work: Path) -> Path:
    """The environment of libraries that a revision's files ask for: gigabytes, so made once."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for extra in EXTRAS:
        wanted += project["optional-dependencies"][extra]
    known = "\n".join([*wanted, (source / "constraints.txt").read_text(), sys.version])
    folder = work / f"libraries-{hashlib.sha256(known.encode()).hexdigest()[:12]}"
    finished = folder / "finished"
    if not finished.exists():
        print("installing the libraries, which takes minutes", file=sys.stderr, flush=True)
        _make_environment(folder)
        _pip(folder / "bin" / "python", source, *wanted)
        finished.touch()
    return folder


def _make_environment(folder: Path) -> None:
    _run(sys.executable, "-m", "venv", "--clear", folder)


def _site_packages(python: Path) -> Path:
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(_run(python, "-c", asked).strip())


def _pip(python: Path, source: Path, *wanted: str) -> None:
    constraints = source / "constraints.txt"
    install = ["pip", "--disable-pip-version-check", "--quiet", "install"]
    _run(python, "-m", *install, "--constraint", constraints, *wanted)


def _run(*command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env=clean_environment(),
        capture_output=True,
    )
    if done.returncode:
        shown = " ".join(map(str, command))
        raise CommandFailed(f"`{shown}` ended with {done.returncode}:\n{last_lines(done.stderr)}")
    return done.stdout.decode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="The folder that keeps what is built.")
    parser.add_argument(
        "revisions",
        nargs="+",
        metavar="REVISION",
        help="A revision to build, as git takes it: a hash, a branch, HEAD.",
    )
    arguments = parser.parse_args()
    for name in arguments.revisions:
        print(build(name, arguments.folder).python)


if __name__ == "__main__":
    main()
