"""What is installed without --editable is the whole of the packages."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_every_folder_with_modules_is_a_package_that_is_installed() -> None:
    folders = {name: PROJECT / folder for name, folder in SETUPTOOLS["package-dir"].items()}
    installed = {
        folders.get(name, PROJECT / name.replace(".", "/")) for name in SETUPTOOLS["packages"]
    }
    there = {
        module.parent
        for package in ("lrcn_data", "lrcn_model", "cli")
        for module in (PROJECT / package).rglob("*.py")
    }
    assert there - installed == set()


def test_every_file_beside_the_modules_is_installed() -> None:
    folders = {name: PROJECT / folder for name, folder in SETUPTOOLS["package-dir"].items()}
    installed = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in folders.get(package, PROJECT / package).glob(pattern)
    }
    there = {
        path
        for package in ("lrcn_data", "lrcn_model", "cli", "configs")
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert there - installed == set()
