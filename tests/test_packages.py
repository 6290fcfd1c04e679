"""What `pip install .` installs: every folder of modules, and the files beside them."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS = {
    PROJECT / SETUPTOOLS["package-dir"].get(package, package.replace(".", "/")): package
    for package in SETUPTOOLS["packages"]
}


def files_of_packages() -> set[Path]:
    return {
        path
        for top in ("lrcn_data", "lrcn_model", "cli", "configs")
        for path in (PROJECT / top).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_every_folder_of_modules_is_installed() -> None:
    with_modules = {path.parent for path in files_of_packages() if path.suffix == ".py"}
    assert with_modules - set(FOLDERS) == set()


def test_every_other_file_is_installed_with_its_package() -> None:
    installed = {
        path
        for folder, package in FOLDERS.items()
        for pattern in SETUPTOOLS["package-data"].get(package, [])
        for path in folder.glob(pattern)
    }
    assert {path for path in files_of_packages() if path.suffix != ".py"} - installed == set()
