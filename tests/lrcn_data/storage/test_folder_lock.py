from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lrcn_data.errors import LrcnError
from lrcn_data.storage.folder_lock import run_lock

TRY = """
import sys
from pathlib import Path
from lrcn_data.errors import LrcnError
from lrcn_data.storage.folder_lock import run_lock
try:
    with run_lock(Path(sys.argv[1])):
        print("held")
except LrcnError as error:
    print(error)
"""

HOLD_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from lrcn_data.storage.folder_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def try_elsewhere(folder: Path) -> str:
    """What another process says that tries to hold the folder."""
    done = subprocess.run(
        [sys.executable, "-c", TRY, str(folder)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_second_process_is_refused_while_the_first_one_holds_the_folder(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        said = try_elsewhere(tmp_path)
    assert said == (f"{tmp_path}: another run is writing there; wait for it, or use another --out")
    assert try_elsewhere(tmp_path) == "held"


def test_a_folder_is_free_again_when_its_owner_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "held\n"
            with pytest.raises(LrcnError, match="another run is writing there"), run_lock(tmp_path):
                pass
        finally:
            owner.kill()
    with run_lock(tmp_path):
        pass


def test_two_folders_are_held_at_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with run_lock(tmp_path / "a"):
        assert try_elsewhere(tmp_path / "b") == "held"
