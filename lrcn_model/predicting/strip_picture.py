"""A picture of a whole video: some of its frames, its segments as a coloured band, and a legend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from PIL import Image

from lrcn_data.errors import LrcnError
from lrcn_data.fonts import Fonts
from lrcn_data.format.pictures import resized
from lrcn_data.picture_text import Pen
from lrcn_data.sampling.center import Center
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import read_clips
from lrcn_data.video.decoding import DecodeOptions
from lrcn_model.pictures.class_colours import class_colour
from lrcn_model.predicting.prediction import Prediction
from lrcn_model.predicting.segment_picture import segment_bar
from lrcn_model.predicting.segments import Segment

_FRAMES, _FRAME_WIDTH = 10, 128
_MARGIN, _BAND, _LETTERS = 12, 30, 14
_LEGEND_ROWS = 20
_WIDTH = _FRAMES * _FRAME_WIDTH
_BACKGROUND, _INK = "white", "black"


def draw_strip(
    prediction: Prediction,
    out: Path,
    *,
    path: str,
    fps: Fraction,
    decoder: str,
    decode: DecodeOptions,
    fonts: Fonts,
) -> None:
    """Draw a video's frames over its segments, and write the picture as its ending says.

    Args:
        prediction: What was found of the video.
        out: The file to write.
        path: The path of the video.
        fps: The frame rate of the run, of whose frames ten are shown.
        decoder: The name of the decoder.
        decode: How the video is decoded.
        fonts: Where the fonts are taken from, and what they lack is noted.

    Raises:
        VideoError: The video can't be read any more.
        LrcnError: The file can't be written.
    """
    sampling = Center(seq_len=_FRAMES)
    options = ClipOptions(fps=fps, sampling=sampling, short="pad", decoder=decoder, decode=decode)
    [clip] = read_clips(path, options=options).clips
    height, width = clip.frames[0].shape[:2]
    frame_height = max(1, round(_FRAME_WIDTH * height / width))
    rows = _legend(prediction.segments)
    picture = Image.new(
        "RGB",
        (
            _WIDTH + 2 * _MARGIN,
            frame_height + _BAND + (len(rows) + 1) * 2 * _LETTERS + 2 * _MARGIN,
        ),
        _BACKGROUND,
    )
    for place, frame in enumerate(clip.frames):
        shown = Image.fromarray(resized(frame, (_FRAME_WIDTH, frame_height)))
        picture.paste(shown, (_MARGIN + place * _FRAME_WIDTH, _MARGIN))
    bar = segment_bar(prediction.segments, prediction.duration, (_WIDTH, _BAND))
    top = _MARGIN + frame_height
    picture.paste(Image.fromarray(bar), (_MARGIN, top))
    pen = Pen(picture, fonts)
    top += _BAND + _LETTERS // 2
    end = f"{prediction.duration:.1f} s"
    pen.write((_MARGIN, top), "0 s", _LETTERS, _INK)
    pen.write((_MARGIN + _WIDTH - pen.width(end, _LETTERS), top), end, _LETTERS, _INK)
    name_room = _WIDTH - 2 * pen.width(f"   {end}   ", _LETTERS)
    left = max(0, (name_room - pen.width(prediction.video, _LETTERS)) // 2)
    left += _MARGIN + (_WIDTH - name_room) // 2
    pen.write((left, top), prediction.video, _LETTERS, _INK, room=name_room)
    for label, text in rows:
        top += 2 * _LETTERS
        if label is not None:
            square = Image.new("RGB", (_LETTERS, _LETTERS), class_colour(label))
            picture.paste(square, (_MARGIN, top))
        pen.write((_MARGIN + 2 * _LETTERS, top), text, _LETTERS, _INK, room=_WIDTH - 2 * _LETTERS)
    try:
        picture.save(out)
    except (OSError, ValueError) as error:
        raise LrcnError(f"{out} can't be written ({error}); name a .png or .jpg") from error


def _legend(segments: Sequence[Segment]) -> list[tuple[int | None, str]]:
    """The rows of the legend: the class number, None for no class, and a text."""
    seconds: defaultdict[tuple[int, str], float] = defaultdict(float)
    for segment in segments:
        seconds[segment.label, segment.name] += segment.end - segment.start
    longest_first = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    rows: list[tuple[int | None, str]] = [
        (label, f"{name}: {total:.1f} s") for (label, name), total in longest_first[:_LEGEND_ROWS]
    ]
    if len(longest_first) > _LEGEND_ROWS:
        rows.append((None, f"and {len(longest_first) - _LEGEND_ROWS} more classes"))
    return rows or [(None, "none of the classes")]
