"""Finds the ffmpeg program on this machine, and its version."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

from lrcn_data.errors import UsageError


@cache
def find_ffmpeg() -> str:
    """The path of the ffmpeg on the PATH, or else of imageio-ffmpeg's.

    Raises:
        UsageError: There is neither of them.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise UsageError(
            "--decoder ffmpeg: there is no ffmpeg on the PATH; install one, or"
            " pip install 'lrcn[ffmpeg]'"
        ) from error


@cache
def ffmpeg_version() -> str:
    """The version that ffmpeg states.

    Raises:
        UsageError: There is no ffmpeg, or it doesn't run.
    """
    program = find_ffmpeg()
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(
            f"--decoder ffmpeg: {program} doesn't run ({error}); mend it, or put another on the"
            " PATH"
        ) from error
    first = said.stdout.split()
    return first[2] if len(first) > 2 else "unknown"
