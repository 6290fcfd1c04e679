from __future__ import annotations

import os
import signal
from types import ModuleType

import pytest
from lrcn_cli.prepare_torch import prepare_torch


def test_ctrl_c_waits_until_torch_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    # torch's C++ swallows it, or ends the process, where it comes while numpy is imported
    imported = []

    def begin(name: str) -> ModuleType:
        os.kill(os.getpid(), signal.SIGINT)
        imported.append(name)
        return ModuleType(name)

    monkeypatch.setattr("lrcn_cli.prepare_torch.import_module", begin)
    with pytest.raises(KeyboardInterrupt):
        prepare_torch()
    assert imported == ["torch"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
