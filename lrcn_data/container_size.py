"""Whether a file is as long as its container says: a cut AVI can decode without an error."""

from __future__ import annotations

import os
from pathlib import Path

from lrcn_data.errors import VideoError

_CHUNK = 8
"""Bytes of a RIFF chunk's name and size."""


def refuse_cut_file(path: Path) -> None:
    """Refuse an AVI that ends before its last RIFF chunk does.

    The other containers' demuxers notice a cut themselves. A size of 0 is that of a file whose
    recording was not ended, of which nothing is known.

    Raises:
        VideoError: It does (`damaged`).
    """
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        end = 0
        while end < length:
            file.seek(end)
            header = file.read(_CHUNK)
            if header[:4] != b"RIFF" or len(header) < _CHUNK:
                return
            size = int.from_bytes(header[4:], "little")
            if size == 0:
                return
            end += _CHUNK + size
    if end > length:
        raise VideoError(
            "damaged", f"the file is cut: {length} bytes of the {end} that its header promises"
        )
