"""Which package may import which: pyproject.toml says it, import-linter checks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def test_imports_go_from_commands_to_model_to_data() -> None:
    code = "from importlinter.cli import lint_imports_command as main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 kept, 0 broken" in done.stdout


def test_stage_one_works_without_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import lrcn_data.making.run, lrcn_data.making.worker_preload, lrcn_data.demo.data_set\n"
        "import lrcn_data.inspecting.verify, lrcn_data.inspecting.stats\n"
        "import lrcn_data.inspecting.preview\n"
        "import lrcn_data.inspecting.rebuild_index, lrcn_data.lists.make_lists"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
