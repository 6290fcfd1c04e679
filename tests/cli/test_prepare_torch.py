from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from lrcn_cli.prepare_torch import prepare_torch


def test_ctrl_c_waits_until_torch_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the real one's C++ swallows it, or ends the process, where it comes while numpy is imported
    (tmp_path / "torch.py").write_text(
        "import os, signal\nfrom pathlib import Path\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "Path(__file__).with_name('imported').touch()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(KeyboardInterrupt):
        prepare_torch()
    assert (tmp_path / "imported").exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
