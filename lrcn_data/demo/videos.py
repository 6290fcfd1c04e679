"""The generated data set: short videos in which only the order of the frames tells the classes.

A textured shape over a moving, noisy background moves along x, along y, or changes its size. Each
of these is a pair of classes, and a video of the second class is made as one of the first, then
turned round: all frames, with their noise and background, in reverse order. So what a single frame
shows is equally likely in both classes of a pair. Every video is encoded with the same settings
whichever way it runs.

A video with labels in time shows several of these, one after the other or with pauses between them;
see `actions`.

What is drawn depends on the seed, the split and the video's number alone, so that any number of
processes, in any order, makes the same files.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Motion = Literal["horizontal", "vertical", "size"]

CLASSES: Mapping[str, tuple[Motion, bool]] = {
    "horizontal-left": ("horizontal", True),
    "horizontal-right": ("horizontal", False),
    "size-growing": ("size", False),
    "size-shrinking": ("size", True),
    "vertical-down": ("vertical", False),
    "vertical-up": ("vertical", True),
}
"""What changes in the videos of each class, and whether they are turned round."""

SIZES = ((64, 64), (72, 64), (80, 60), (96, 72))
"""The sizes of videos, (width, height) in pixels."""

RATES = (Fraction(10), Fraction(25, 2), Fraction(15), Fraction(25), Fraction(30000, 1001))
"""The frame rates of videos, in frames per second."""

_LENGTHS = (8, 16, 24)
_SHORT_LENGTHS = (3, 4, 5, 6, 7)
"""The numbers of frames that videos have at 5 frames per second.

Multiples of 8, so that the 8 blocks that clips are drawn from are equally long: where they are not,
the first ones are longer, and the end of a motion is seen more often than its start.
"""

_LENGTH_SHARES = (0.4, 0.4, 0.2)
_SHORT_SHARE = 1 / 32
"""The share of the videos that are too short for 8 frames at 5 frames per second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A stretch of a video in which a shape moves as in the videos of a class.

    Attributes:
        class_name: Name of the class, a key of `CLASSES`.
        start: Number of its first frame, from 0.
        end: Number of the first frame after it.
    """

    class_name: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoVideo:
    """One video to be made.

    Attributes:
        name: Path of the file, relative to the data set's folder.
        class_name: Name of its class, a key of `CLASSES`; empty where it has actions.
        split: `train`, `val` or `test`.
        width: Width of the frames in pixels.
        height: Height of the frames in pixels.
        rate: Frames per second.
        frames: Number of frames.
        seed: Seed of what is drawn at random in the video.
        actions: What it shows in turn, where it has labels in time; other frames show no shape.
    """

    name: str
    class_name: str
    split: str
    width: int
    height: int
    rate: Fraction
    frames: int
    seed: int
    actions: tuple[Action, ...] = ()


def plan_demo(counts: Mapping[str, int], seed: int) -> list[DemoVideo]:
    """Plan the videos of a generated data set.

    Args:
        counts: Number of videos in each split. The numbers of videos that the classes of a split
            have differ by one at most.
        seed: Seed of everything that is drawn at random.
    """
    classes = list(CLASSES)
    return [
        _plan_video(split, number, classes[number % len(classes)], seed)
        for split, count in counts.items()
        for number in range(count)
    ]


def _plan_video(split: str, number: int, class_name: str, seed: int) -> DemoVideo:
    video_seed = seed_of(split, number, seed)
    rng = np.random.default_rng(video_seed)
    width, height = SIZES[rng.integers(len(SIZES))]
    rate = RATES[rng.integers(len(RATES))]
    if rng.random() < _SHORT_SHARE:
        length = int(rng.choice(_SHORT_LENGTHS))
    else:
        length = int(rng.choice(_LENGTHS, p=_LENGTH_SHARES))
    ending = "avi" if rng.random() < 0.5 else "mp4"
    return DemoVideo(
        name=f"videos/{class_name}/{split}-{number:05d}.{ending}",
        class_name=class_name,
        split=split,
        width=width,
        height=height,
        rate=rate,
        frames=_frames_for(length, rate),
        seed=video_seed,
    )


def seed_of(split: str, number: int, seed: int) -> int:
    """The seed of what is drawn at random in a video, and in its plan."""
    digest = hashlib.sha256(f"{seed}\0{split}\0{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _frames_for(length: int, rate: Fraction) -> int:
    """The number of frames that becomes `length` frames at 5 fps, alike at both ends.

    At 5 fps the frame shown at m/5 seconds is the last one whose time rounds to it, so the first
    frame taken has the number ceil(step/2) - 1 and the last one ceil(step * (length - 1/2)) - 1. As
    many as come before the first are added after the last.
    """
    step = rate / 5
    return math.ceil(step / 2) + math.ceil(step * (length - Fraction(1, 2))) - 1


def draw_video(video: DemoVideo) -> npt.NDArray[np.uint8]:
    """Draw the frames of a video: uint8 (frames, height, width, 3), RGB."""
    motion, turned_round = CLASSES.get(video.class_name, (None, False))
    # a sequence of its own: the plan has drawn from the bare seed
    rng = np.random.default_rng([video.seed, 1])
    scene = _background(video, rng)
    if motion is not None:
        _paint_shape(scene, motion, rng)
    for action in video.actions:
        motion, is_backwards = CLASSES[action.class_name]
        part = scene[action.start : action.end]
        _paint_shape(part[::-1] if is_backwards else part, motion, rng)
    strength = int(rng.integers(2, 8))
    scene += rng.integers(-strength, strength + 1, scene.shape, np.int8)
    frames = np.clip(scene, 0, 255, out=scene).astype(np.uint8)
    return frames[::-1] if turned_round else frames


def _background(video: DemoVideo, rng: np.random.Generator) -> Array:
    """Colour clouds that drift in any direction: float32 (frames, height, width, 3)."""
    reach = rng.uniform(-0.5, 0.5, 2) * video.height
    margin_y, margin_x = np.abs(reach).astype(int) + 1
    y, x = np.mgrid[: video.height + margin_y, : video.width + margin_x].astype(np.float32) / 64
    clouds = np.empty((*y.shape, 3), np.float32)
    clouds[:] = rng.uniform(50, 170, 3)
    for waves in (0.7, 1.1, 1.7, 2.9, 4.7):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
        wave = np.sin(np.float32(2 * np.pi * waves) * along + np.float32(phase))
        clouds += wave[..., None] * rng.uniform(-20, 20, 3).astype(np.float32)
    path = np.linspace(np.maximum(-reach, 0), np.maximum(reach, 0), video.frames).astype(int)
    scene = np.empty((video.frames, video.height, video.width, 3), np.float32)
    for frame, (top, left) in zip(scene, path, strict=True):
        frame[:] = clouds[top : top + video.height, left : left + video.width]
    return scene


def _paint_shape(scene: Array, motion: Motion, rng: np.random.Generator) -> None:
    """Paint the moving shape over the background of a scene, which is changed."""
    count, height, width, _ = scene.shape
    progress = _progress(count, rng)
    centre_x, centre_y = (np.full(count, centre) for centre in rng.uniform(0.35, 0.65, 2))
    radius = np.full(count, rng.uniform(0.15, 0.2))
    if motion == "horizontal":
        centre_x = progress
    elif motion == "vertical":
        centre_y = progress
    else:
        radius = 0.08 + 0.34 * progress
    geometry = np.stack([centre_x * width, centre_y * height, radius * height], -1)
    colours = _two_colours(rng)
    stripes, tilt = rng.uniform(1, 2), rng.uniform(0, np.pi)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for frame, (middle_x, middle_y, size) in zip(scene, geometry.astype(np.float32), strict=True):
        box = _box(middle_y, size, height), _box(middle_x, size, width)
        u, v = (x[box] - middle_x) / size, (y[box] - middle_y) / size
        cover = np.clip((1 - _distance(motion, u, v)) * size + 0.5, 0, 1)[..., None]
        along = np.float32(np.cos(tilt)) * u + np.float32(np.sin(tilt)) * v
        texture = np.where((np.floor(stripes * along) % 2)[..., None] > 0, *colours)
        frame[box] += cover * (texture - frame[box])


def _box(middle: float, size: float, length: int) -> slice:
    """The range of pixels along one axis that a shape can reach."""
    reach = 1.3 * size + 1
    return slice(max(0, int(middle - reach)), min(length, int(middle + reach) + 2))


def _progress(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How far the change has come at each frame: rises from about 0.2 to about 0.8."""
    start, end = rng.uniform(0.08, 0.3), rng.uniform(0.7, 0.92)
    bend = rng.uniform(-0.12, 0.12)
    time = np.linspace(0, 1, count)
    return start + (end - start) * (time + bend * np.sin(2 * np.pi * time))


def _distance(motion: Motion, u: Array, v: Array) -> Array:
    """The distance from a shape's centre, 1 at its edge: a square, a diamond or a disc."""
    if motion == "horizontal":
        return np.maximum(np.abs(u), np.abs(v)) * np.float32(1.15)
    if motion == "vertical":
        return (np.abs(u) + np.abs(v)) * np.float32(0.8)
    return np.hypot(u, v)


def _two_colours(rng: np.random.Generator) -> tuple[Array, Array]:
    bright = rng.uniform(170, 255, 3).astype(np.float32)
    bright[rng.integers(3)] = rng.uniform(0, 120)
    return bright, (255 - bright) * np.float32(0.5)


def encode_video(video: DemoVideo) -> bytes:
    """Draw a video and encode it: MPEG-4 part 2 in .avi, H.264 in .mp4."""
    import av

    is_avi = video.name.endswith(".avi")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="avi" if is_avi else "mp4") as container:
        stream = container.add_stream("mpeg4" if is_avi else "libx264", rate=video.rate)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        stream.codec_context.thread_count = 1  # with more, x264's bytes depend on their number
        stream.codec_context.gop_size = 12
        stream.options = (
            {"flags": "+qscale+bitexact", "global_quality": str(3 * 118)}
            if is_avi
            else {
                "preset": "veryfast",
                "crf": "20",
                "flags": "+bitexact",
                # with it, 5 of 10 videos of these sizes came out differently each time
                "x264-params": "mbtree=0",
            }
        )
        for rgb in draw_video(video):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()
