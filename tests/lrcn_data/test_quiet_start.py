from __future__ import annotations

import os
import signal
import subprocess
import sys

CHILD = (
    "import signal, sys; from lrcn_data.quiet_start import let_signals_through\n"
    "blocked = lambda: sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
    "before = blocked(); let_signals_through(); print(len(before), len(blocked()))\n"
)


def test_a_signal_waits_until_the_processes_are_started() -> None:
    code = (
        "import os, signal; from lrcn_data.quiet_start import signals_held_back\n"
        # what starts tests in the background may have them ignore it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n"
        "    with signals_held_back():\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        print('started')\n"
        "    print('never reached')\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["started", "interrupted"]


def test_a_worker_inherits_the_block_and_lifts_it() -> None:
    code = (
        "import subprocess, sys; from lrcn_data.quiet_start import signals_held_back\n"
        "with signals_held_back():\n"
        f"    subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "0"]


def test_what_was_blocked_before_is_blocked_again() -> None:
    from lrcn_data.quiet_start import signals_held_back

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with signals_held_back():
        os.getpid()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
