"""The table of decoders."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import read_clips
from lrcn_data.video.decoders import DECODERS, check_salvages, load_decoder
from lrcn_data.video.ffmpeg_program import ffmpeg_version


@pytest.mark.parametrize("name", DECODERS.built_in)
def test_every_built_in_decoder_reads_a_video(write_video: Callable[..., Path], name: str) -> None:
    path = write_video("v.avi")
    clips = read_clips(path, "v.avi", ClipOptions(decoder=name))
    expected = read_clips(path, "v.avi", ClipOptions())
    assert [clip.frame_times for clip in clips.clips] == [
        clip.frame_times for clip in expected.clips
    ]
    assert len(clips.clips) == 1


def test_only_a_decoder_that_can_salvage_is_asked_to() -> None:
    check_salvages("av")
    with pytest.raises(UsageError, match="--salvage goes with --decoder av: ffmpeg processes"):
        check_salvages("ffmpeg")


def test_a_decoder_tells_the_version_of_the_program_that_it_runs() -> None:
    assert load_decoder("av").tools() == {}
    assert load_decoder("ffmpeg").tools() == {"ffmpeg": ffmpeg_version()}


def test_a_decoders_libraries_are_imported_when_it_is_first_used() -> None:
    script = (
        "import sys; from lrcn_data.video.decoders import load_decoder;"
        "load_decoder('av'), load_decoder('ffmpeg').salvages;"
        "print(sorted({'av', 'ffmpeg', 'numpy'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n"
