"""The commands of docs/many-machines.md, as they stand there but for paths and numbers of jobs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrcn_data import DemoOptions, write_demo
from tests.commands import call
from tests.engines import HAS_RAY, HAS_SLURM, one_node_slurm, two_node_ray

PAGE = (Path(__file__).parents[1] / "docs/many-machines.md").read_text()
PARTS, ARRAY, SLURM, RAY = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)

JOBS = 2


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder of generated videos and their lists."""
    write_demo(tmp_path / "demo", DemoOptions(train=6, val=0, test=6))
    return tmp_path / "demo"


@pytest.fixture
def lrcn_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """This environment's commands, as after `activate`."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def here(text: str, videos: Path) -> str:
    """A script of the page, for a folder of these videos and fewer jobs; nothing is installed."""
    text = re.sub(r"(?m)^pip install .*\n", "", text)
    text = text.replace("/shared/UCF-101", str(videos))
    text = text.replace("0-99", f"0-{JOBS - 1}").replace("/100", f"/{JOBS}")
    return text.replace("--workers 100", f"--workers {JOBS}").replace("=cpu ", "=all ")


def is_whole(videos: Path) -> bool:
    return bool(json.loads((videos / "shards/dataset.json").read_text())["complete"])


def test_the_script_of_an_array_makes_the_data_set(videos: Path, lrcn_on_path: None) -> None:
    script = videos / "array.sh"
    script.write_text(here(ARRAY, videos))
    for number in range(JOBS):
        task = {**os.environ, "SLURM_ARRAY_TASK_ID": str(number)}
        subprocess.run(["sh", script], env=task, check=True, capture_output=True)
    assert is_whole(videos)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_SLURM, reason="Slurm or submitit is not installed")
def test_slurm_takes_both_scripts(videos: Path, tmp_path: Path, lrcn_on_path: None) -> None:
    (tmp_path / "slurm").mkdir()
    script = videos / "array.sh"
    script.write_text(here(ARRAY, videos).replace("--cpus-per-task=8", "--cpus-per-task=2"))
    with one_node_slurm(tmp_path / "slurm"):
        subprocess.run(["sbatch", "--wait", script], cwd=videos, check=True, capture_output=True)
        assert is_whole(videos)
        shutil.rmtree(videos / "shards")
        subprocess.run(["sh", "-c", here(SLURM, videos)], check=True, capture_output=True)
    assert is_whole(videos)
    assert not list(videos.glob("lrcn-slurm-*"))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed")
def test_a_ray_cluster_takes_the_command(
    videos: Path, monkeypatch: pytest.MonkeyPatch, lrcn_on_path: None
) -> None:
    # `ray start` would take over what else this machine has of Ray
    command = re.sub(r"(?m)^ray start .*\n", "", here(RAY, videos))
    with two_node_ray() as ray:
        monkeypatch.setenv("RAY_ADDRESS", ray.address)
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert is_whole(videos)


def test_options_that_the_page_names_exist() -> None:
    help_text = call("data", "shard", "--help", folder=Path()).stdout
    lines = [line for line in PAGE.splitlines() if "lrcn-data shard" in line]
    assert len(lines) >= 5
    for option in re.findall(r"(?<!\S)--[a-z-]+", " ".join(lines)):
        assert option in help_text
