"""Decodes every frame of the videos in a list with PyAV, in one thread, and keeps nothing.

    python bench/decode_videos.py LIST

Paths are relative to the list's folder. This is the least that reading whole videos can cost, as a
process of its own; shard.py runs it beside `lrcn-data shard`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import av


def decode_videos(videos: Iterable[Path], *, threads: int = 1) -> None:
    """Decode every frame; 0 threads stands for one on each core."""
    for path in videos:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE" if threads == 1 else "AUTO"
            stream.codec_context.thread_count = threads
            for _ in container.decode(stream):
                pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("list", type=Path, help="The list, with a line `path label` a video.")
    listed = parser.parse_args().list
    lines = listed.read_text().splitlines()
    decode_videos(listed.parent / line.rpartition(" ")[0] for line in lines)


if __name__ == "__main__":
    main()
