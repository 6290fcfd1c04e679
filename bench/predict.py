"""What predicting costs: an hour of video on one core, many short files on all, and live sources.

    python bench/predict.py VIDEOS [--hours 1] [--files 200] [--live 60] [--soak 100000]
                            [--codec libx264] [--run NAME]

VIDEOS is a folder of clips. An hour is made of them: they are encoded at 320x240, joined, and
looped. `lrcn-predict --timeline --json` reads it, and a minute of it, each as a process of its own
that may use one core, with everything counted: the start, decoding, the net, and what is printed.
The net is `small` at 112x112 at 5 frames a second, as it is drawn; its speed doesn't depend on what
it has learnt. It goes on with its state from frame to frame, or with --run windows sees windows of
8 frames that overlap by half.

The short files are the clips, each as many times as it takes. Their wall time is compared with the
CPU time that decoding them and the net by itself take, divided by the cores.

A live source of so many seconds is read and scored frame by frame on one core, as fast as it goes,
at its own 25 frames a second: the CPU time that a frame takes to be read (decoded, resized, encoded
as shards have it), and from then to its score. That of `lite0` with a GRU is compared with what its
CNN by itself takes of the same frame, in turns.

The soak watches a pipe of so many frames, none of which is dropped, with a small net, and looks at
the process's memory after each tenth of them.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import torch
from compare import cpu_seconds, print_table, processor_name

from lrcn_data.lists.named_videos import named_videos
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.libav_messages import logged
from lrcn_data.video.live_frames import LiveFrames
from lrcn_data.video.live_source import find_live_source, open_live
from lrcn_model import LRCN, NetConfig, Part, Preprocess, load_run, predict_videos, watch
from lrcn_model.predicting import live_connection
from lrcn_model.predicting.clip_pieces import ClipPieces
from lrcn_model.predicting.clip_plan import Sliding
from lrcn_model.predicting.live_connection import WaitingFrame
from lrcn_model.predicting.live_events import LiveFrame
from lrcn_model.predicting.live_track import LiveTrack
from lrcn_model.predicting.read_ahead import Begun, Event, Read
from lrcn_model.predicting.segments import SegmentOptions
from lrcn_model.predicting.stored_frames import frame_batch
from lrcn_model.predicting.video_reading import (
    ReadOptions,
    frame_keeper,
    frame_kind_of,
    video_reading,
)
from lrcn_model.scoring.trained_run import RunFacts, save_weights

SIZE, STORED, RATE = (112, 112), (320, 240), 25
PASSIVE = ("OMP_WAIT_POLICY", "PASSIVE")
CLASSES = [f"class {number}" for number in range(10)]
RUNS = {
    "carried": {"labels_in_time": True, "window": 32, "carry_state": True},
    "windows": {},
}


def write_run(
    folder: Path,
    name: str,
    *,
    cnn: str = "small",
    size=SIZE,
    head: Part | None = None,
    fps: int = 5,
) -> Path:
    torch.manual_seed(0)
    head = head or Part("lstm", hidden=256)
    net = LRCN(NetConfig(classes=len(CLASSES), cnn=cnn, size=size, head=head)).eval()
    facts = RunFacts(
        classes=CLASSES,
        seq_len=8,
        fps=Fraction(fps),
        average="probs",
        stored_size=None,
        trained={},
        recipe={"sampling": "windows", "stride": 4, "short": "pad", "quality": 90},
        **RUNS[name],
    )
    path = folder / f"{name}-{cnn}-{size[0]}.safetensors"
    save_weights(path, net, Preprocess.for_net(net, torch.tensor([110.0, 105.0, 100.0])), facts)
    return path


def write_long(clips: Sequence[str], out: Path, seconds: float, codec: str) -> None:
    """Encode up to a minute of clips, and repeat its packets."""
    once = out.with_name(f"once{out.suffix}")
    with av.open(str(once), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = STORED
        stream.pix_fmt = "yuv420p"
        for frame in itertools.islice(frames_of(clips), min(60 * RATE, round(seconds * RATE))):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(once)) as source, av.open(str(out), "w") as container:
        video = source.streams.video[0]
        packets = [p for p in source.demux(video) if p.size]
        copy = container.add_stream_from_template(video)
        length = round(max(p.pts + p.duration for p in packets))
        for number in itertools.count():
            if number * length * video.time_base >= seconds:
                break
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.stream, again.is_keyframe = copy, packet.is_keyframe
                again.time_base, again.duration = packet.time_base, packet.duration
                again.pts = packet.pts + number * length
                again.dts = packet.dts + number * length
                container.mux(again)


def frames_of(clips: Sequence[str]) -> Iterator[av.VideoFrame]:
    for clip in itertools.cycle(clips):
        with av.open(clip) as container:
            for frame in container.decode(video=0):
                yield av.VideoFrame.from_ndarray(
                    frame.to_ndarray(width=STORED[0], height=STORED[1], format="rgb24")
                )


def command_on_one_core(run: Path, video: Path) -> tuple[float, float, float]:
    """Wall and CPU seconds, and peak memory in MB, of `lrcn-predict` on one core."""
    core = min(os.sched_getaffinity(0))
    program = [sys.executable, "-m", "lrcn_cli.predict", run, video, "--timeline", "--json"]
    began = time.perf_counter()
    child = os.fork()
    if not child:
        os.sched_setaffinity(0, {core})
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        os.execv(sys.executable, [str(word) for word in program])
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - began
    if status:
        sys.exit(f"lrcn-predict failed on {video}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure_long(run: Path, clips: Sequence[str], folder: Path, given: argparse.Namespace) -> None:
    rows = []
    for name, seconds in (("a minute", 60.0), (f"{given.hours:g} h", given.hours * 3600)):
        video = folder / f"{round(seconds)}.mp4"
        write_long(clips, video, seconds, given.codec)
        wall, cpu, peak = command_on_one_core(run, video)
        speeds = [f"{seconds / spent:.1f}" for spent in (wall, cpu)]
        rows.append([name, f"{wall:.1f}", f"{cpu:.1f}", *speeds, f"{peak:.0f}"])
    columns = ["video", "wall s", "CPU s", "x real time, wall", "x real time, CPU", "peak MB"]
    print_table(f"--timeline at 5 fps on one core, {given.codec}, {given.run}", columns, rows)


def measure_short(path: Path, clips: Sequence[str], given: argparse.Namespace) -> None:
    run = load_run(path, device="cpu")
    files = list(itertools.islice(itertools.cycle(clips), given.files))
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    list(predict_videos(run, files[:8]))
    walls, spents, parts = [], [], []
    for _ in range(3):
        decoding, net = cpu_apart(path, files)
        began, before = time.perf_counter(), cpu_seconds()
        list(predict_videos(run, files))
        walls.append(time.perf_counter() - began)
        spents.append(cpu_seconds() - before)
        parts.append(decoding + net)
    wall, spent, part = map(statistics.median, (walls, spents, parts))
    rows = [
        ["wall s", f"{wall:.2f}"],
        ["CPU s", f"{spent:.2f}"],
        ["decoding and net, CPU s", f"{part:.2f}"],
        ["wall / ((decoding + net) / cores)", f"{wall * cores / part:.2f}"],
        ["CPU / (decoding + net)", f"{spent / part:.2f}"],
    ]
    print_table(f"{len(files)} short files on {cores} cores, {given.run}", ["", ""], rows)


def cpu_apart(path: Path, files: Sequence[str]) -> tuple[float, float]:
    """CPU seconds of reading files one after another, and of the net on what was read."""
    run = load_run(path, device="cpu")
    options = ReadOptions(decoder="av", decode=DecodeOptions())
    reading, kind = video_reading(run, options), frame_kind_of(run.facts, ())
    before = cpu_seconds()
    read: list[list[Event]] = []
    for file in files:
        events: list[Event] = []
        reading.read(file, events.append)
        read.append(events)
    decoding = cpu_seconds() - before
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    before = cpu_seconds()
    for events in read:
        score(run, events, kind)
    torch.set_num_threads(threads)
    return decoding, cpu_seconds() - before


def score(run, events: Sequence[Event], kind) -> None:
    """The net on what was read of a video, piece by piece."""
    first = next(event for event in events if isinstance(event, Begun))
    pieces = ClipPieces(first.plan)
    for event in events:
        for piece in pieces.add(event.frame, event.times) if isinstance(event, Read) else ():
            features = run.features(frame_batch([piece.frames], kind))
            for _, features_VTF, _ in pieces.add_features(piece, features[None]):
                run.score_features(features_VTF)


@torch.inference_mode()
def measure_live(folder: Path, clips: Sequence[str], given: argparse.Namespace) -> None:
    video = folder / "live.mp4"
    write_long(clips, video, given.live, given.codec)
    torch.set_num_threads(1)
    rows = []
    for cnn, size, head in (
        ("small", SIZE, Part("lstm", hidden=256)),
        ("lite0", (224, 224), Part("gru", hidden=256)),
    ):
        run = load_run(write_run(folder, "carried", cnn=cnn, size=size, head=head, fps=RATE))
        reads, scores, alones = live_times(run, video)
        read, score, alone = (1000 * statistics.median(times) for times in (reads, scores, alones))
        ratio = statistics.median(s / a for s, a in zip(scores, alones, strict=True))
        figures = [f"{value:.2f}" for value in (read, score, read + score, alone, ratio)]
        rows.append([f"{cnn} at {size[0]}x{size[1]}, {head.name}", *figures])
    columns = ["net", "read", "frame to score", "both", "the CNN alone", "score / CNN"]
    print_table(f"live, CPU ms a frame on one core, {given.codec}, medians", columns, rows)


def live_times(run, video: Path) -> tuple[list[float], list[float], list[float]]:
    """CPU seconds of each frame: to read it, to score it, and of the CNN on it by itself."""
    keeper = frame_keeper(run.facts, ())
    track = LiveTrack(run, Sliding(), SegmentOptions(), top=1, begins=0.0)
    source = find_live_source(video)
    reads, scores, alones = [], [], []
    clock = time.thread_time
    with logged() as messages, open_live(source, DecodeOptions(), messages, patience=9) as opened:
        before = clock()
        for shown in LiveFrames(opened, run.facts.fps, lambda stretch, seconds: 0.0):
            stored = keeper.keep(shown.rgb, shown.number, None, shown.times)
            read = clock()
            frame = WaitingFrame(
                stretch=0,
                position=shown.position,
                times=shown.times,
                seconds=shown.seconds,
                arrived=0.0,
                stored=stored,
            )
            batch = frame_batch([[stored]], keeper.kind)
            for _ in track.add(frame, run.features(batch)[0]):
                pass
            scored = clock()
            seen = run.preprocess(batch)
            began = clock()
            run.net.features(seen, batch.lengths)
            alones.append(clock() - began)
            reads.append(read - before)
            scores.append(scored - read)
            before = clock()
    return reads, scores, alones


def measure_soak(folder: Path, frames: int) -> None:
    """Watch a pipe that is written no faster than it is scored."""
    torch.set_num_threads(1)
    live_connection.MOST_WAITING = 10_000  # the pipe itself holds more than wait for the net
    size = (32, 32)
    head = Part("gru", hidden=16)
    run = load_run(write_run(folder, "carried", size=size, head=head, fps=RATE), device="cpu")
    out, into = os.pipe()
    with os.fdopen(out, "rb", buffering=0) as pipe:
        watching = watch(run, pipe)
        # as fast as it goes, where a recording has its own speed
        watching._source = replace(watching._source, is_recording=False)
        writer = threading.Thread(target=write_pipe, args=(into, frames, watching), daemon=True)
        writer.start()
        rows, seen, began = [], 0, time.process_time()
        for one in watching:
            seen += isinstance(one, LiveFrame)
            if isinstance(one, LiveFrame) and seen % (frames // 10) == 0:
                spent = time.process_time() - began
                rows.append([f"{seen:,}", f"{resident():.1f}", f"{1000 * spent / seen:.2f}"])
    summary = watching.summary
    print(f"{summary.frames:,} frames scored, {summary.dropped:,} dropped")
    print_table("soak", ["frames scored", "resident MB", "CPU ms a frame"], rows)


def write_pipe(into: int, frames: int, watching) -> None:
    """Write random pictures as an MPEG transport stream, and wait while some wait for the net."""
    pictures = torch.randint(0, 256, (25, 4, 4, 3), dtype=torch.uint8).numpy()
    pictures = [p.repeat(8, axis=0).repeat(8, axis=1) for p in pictures]
    with (
        os.fdopen(into, "wb", buffering=0) as pipe,
        av.open(pipe, "w", format="mpegts", options={"flush_packets": "1"}) as container,
    ):
        stream = container.add_stream("mpeg2video", rate=RATE)
        stream.width = stream.height = 32
        for number in range(frames):
            while watching.waiting > 4:
                time.sleep(0.001)
            frame = av.VideoFrame.from_ndarray(pictures[number % len(pictures)], format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def resident() -> float:
    """The memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--live", type=float, default=60.0)
    parser.add_argument("--soak", type=int, default=100_000)
    parser.add_argument("--codec", default="libx264")
    parser.add_argument("--run", choices=RUNS, default="carried")
    given = parser.parse_args()
    if PASSIVE not in os.environ.items():
        # as the command has it, which must be said before torch is imported
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **dict([PASSIVE])})
    clips = named_videos([str(given.videos)], root=Path()).paths
    print(f"{processor_name()}; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        run = write_run(Path(folder), given.run)
        if given.hours:
            measure_long(run, clips, Path(folder), given)
        if given.files:
            measure_short(run, clips, given)
        if given.live:
            measure_live(Path(folder), clips, given)
        if given.soak:
            measure_soak(Path(folder), given.soak)


if __name__ == "__main__":
    main()
