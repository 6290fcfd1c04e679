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


def steps_in(log: Path) -> list[int]:
    """The steps of metrics.jsonl, of which the last line may be half written."""
    lines = [
        json.loads(line) for line in log.read_text().splitlines(keepends=True) if line[-1:] == "\n"
    ]
    return [line["step"] for line in lines if line["kind"] == "step"]


@pytest.mark.long
@pytest.mark.skipif(not HAS_SLURM or not shutil.which("srun"), reason="Slurm is not installed")
def test_a_preempted_job_saves_and_goes_on_when_it_is_submitted_again_or_requeued(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = make_data_set(samples={"train": [9, 7]}, sizes=((32, 32),), seq_len=3)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    script, folder = tmp_path / "train.sh", tmp_path / "slurm"
    script.write_text(on_this_machine(SLURM, shards))
    folder.mkdir()
    log = tmp_path / "run/metrics.jsonl"
    with one_node_slurm(folder) as slurm:
        job = subprocess.check_output(["sbatch", "--parsable", script], cwd=tmp_path, text=True)
        out = tmp_path / f"slurm-{job.strip()}.out"
        wait_for(lambda: log.exists() and log.read_bytes().count(b"\n") > 8, 90)
        subprocess.run(["scancel", "--signal=TERM", job.strip()], check=True)
        wait_for(lambda: out.exists() and "the same command goes on from there" in out.read_text())
        stopped = int(re.findall(r"stopped after step (\d+)", out.read_text())[0])
        assert stopped < 4 * EPOCHS
        wait_for(lambda: not subprocess.check_output(["squeue", "--noheader"]).strip(), 60)
        again = subprocess.Popen(["sbatch", "--wait", script], cwd=tmp_path, stdout=subprocess.PIPE)
        wait_for(lambda: steps_in(log)[-1] > stopped + 8, 90)
        assert slurm.requeue()
        again.communicate(timeout=300)
        assert again.returncode == 0
    assert steps_in(log) == [*range(1, 4 * EPOCHS + 1)]
    said = "".join(path.read_text() for path in tmp_path.glob("slurm-*.out"))
    assert said.count("going on after step") == 2
