from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from lrcn_model.searching.claims import Claims

HOLD = """
import sys, time
from pathlib import Path
from lrcn_model.searching.claims import Claims
claims = Claims(Path(sys.argv[1]))
print(claims.take(3), flush=True)
time.sleep(600)
"""


def test_a_claim_of_another_process_lasts_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    with other.stdout, Claims(path) as claims:
        assert other.stdout.readline() == "True\n"
        assert not claims.take(3)
        assert claims.take(2)
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert claims.take(3)
