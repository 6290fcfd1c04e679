"""The Slurm script of docs/several-machines.md, as it stands there but for paths and counts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines import HAS_SLURM, one_node_slurm, wait_for

MakeDataSet = Callable[..., Path]

PAGE = (Path(__file__).parents[1] / "docs/several-machines.md").read_text()
*_, SLURM = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
EPOCHS = 40


def on_this_machine(script: str, shards: Path) -> str:
    """The script for one machine of two cores, on which two processes train a small net."""
    for theirs, ours in (
        ("--nodes=2", "--nodes=1"),
        ("#SBATCH --gpus-per-node=4\n", ""),
        ("--cpus-per-task=16", "--cpus-per-task=2"),
        ("--nproc-per-node 4", "--nproc-per-node 2"),
        ("/shared/shards", f"{shards} --cnn small --size 32x32 --log-every 1 --epochs {EPOCHS}"),
        ("/shared/runs/both", "run"),
    ):
        assert theirs in script
        script = script.replace(theirs, ours)
    return script


@pytest.mark.long
@pytest.mark.skipif(not HAS_SLURM or not shutil.which("srun"), reason="Slurm is not installed")
def test_a_preempted_job_saves_and_goes_on_when_it_is_submitted_again(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = make_data_set(samples={"train": [9, 7]}, sizes=((32, 32),), seq_len=3)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    script, folder = tmp_path / "train.sh", tmp_path / "slurm"
    script.write_text(on_this_machine(SLURM, shards))
    folder.mkdir()
    log = tmp_path / "run/metrics.jsonl"
    with one_node_slurm(folder):
        job = subprocess.check_output(["sbatch", "--parsable", script], cwd=tmp_path, text=True)
        out = tmp_path / f"slurm-{job.strip()}.out"
        wait_for(lambda: log.exists() and log.read_bytes().count(b"\n") > 8, 90)
        subprocess.run(["scancel", "--signal=TERM", job.strip()], check=True)
        wait_for(lambda: out.exists() and "the same command goes on from there" in out.read_text())
        stopped = int(re.findall(r"stopped after step (\d+)", out.read_text())[0])
        assert stopped < 4 * EPOCHS
        wait_for(lambda: not subprocess.check_output(["squeue", "--noheader"]).strip(), 60)
        subprocess.run(["sbatch", "--wait", script], cwd=tmp_path, check=True, capture_output=True)
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in steps if line["kind"] == "step"] == [*range(1, 4 * EPOCHS + 1)]
