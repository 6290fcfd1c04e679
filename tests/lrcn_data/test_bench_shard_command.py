"""The benchmark of the whole command counts every process, also those that outlive it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"

ORPHAN = "import time\nwhile time.process_time() < 0.5: pass"
LEAVES_ONE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {ORPHAN!r}])"


def run(code: str, folder: Path) -> str:
    """Run a program that may become the parent of orphans, which the tests' own process must not.

    It has the modules of bench/, and the folder as `folder`.
    """
    head = f"import sys; sys.path.insert(0, {str(BENCH)!r})\nfrom pathlib import Path\n"
    head += f"folder = Path({str(folder)!r})\n"
    command = [sys.executable, "-c", head + code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans on")
def test_a_process_that_outlives_its_command_is_counted(tmp_path: Path) -> None:
    code = (
        "from compare import compare\n"
        "from whole_command import WholeCommand, become_parent_of_orphans\n"
        "become_parent_of_orphans()\n"
        f"command = WholeCommand(command=['python', '-c', {LEAVES_ONE!r}], folder=folder)\n"
        "cpu = compare({'': command}, runs=1)[''].median\n"
        "print(cpu >= 0.5, command.first_process[-1] < 0.5, len(command.seconds))\n"
    )
    assert run(code, tmp_path).split() == ["True", "True", "2"]


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    code = (
        "from revision import CommandFailed\n"
        "from whole_command import WholeCommand\n"
        "try:\n"
        "    WholeCommand(command=['lrcn-data', 'shard'], folder=folder)()\n"
        "except CommandFailed as error:\n"
        "    print(error)\n"
    )
    assert "no list of videos" in run(code, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans on")
def test_the_command_is_compared_on_enough_videos(video_lists: Path) -> None:
    code = (
        "import shard_command\n"
        "from whole_command import become_parent_of_orphans\n"
        "become_parent_of_orphans()\n"
        "videos = shard_command.find_videos(folder)\n"
        "shard_command.compare_command(videos, 1, least=50)\n"
        "shard_command.measure_start(videos[0], 1)\n"
    )
    told = run(code, video_lists)
    assert "the whole command on 60 videos" in told
    assert told.count("│") == 5 * 5
    assert "one video from start to end" in told
