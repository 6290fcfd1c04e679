"""What `lrcn-data shard` costs, against other ways to the same shards.

    python bench/shard.py FOLDER_OF_VIDEOS [--runs 5]

CPU time a video of the whole job of a worker, in this process: open, decode, convert, JPEG, sums,
tar, record. What a run of the command costs beside it is in shard_command.py.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import av
import ffmpeg
import numpy as np
import psutil
import simplejpeg
from compare import compare, show
from decode_videos import decode_videos
from PIL import Image

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.file_names import META
from lrcn_data.lists.entry import Entry
from lrcn_data.making.plan import plan_shards
from lrcn_data.making.shard_job import ShardJob, put_shard, write_shard
from lrcn_data.making.shard_options import ShardOptions
from lrcn_data.sampling.blocks import Blocks
from lrcn_data.sampling.clip_options import ClipOptions
from lrcn_data.sampling.clips import read_clips
from lrcn_data.video.decoding import DecodeOptions

FPS, SEQ_LEN = 5, 8
ENDINGS = {".avi", ".mp4", ".mkv", ".webm", ".mov"}


def find_videos(folder: Path) -> list[Path]:
    """All videos below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)


def ours(
    videos: Sequence[Path], *, check_full: bool = False, one_shard: bool = True
) -> Callable[[], None]:
    """The product's own worker, in this process; what it writes is removed at the end of all.

    The videos go into one shard, or else into as many as the command makes of them.
    """
    decode = DecodeOptions(check_full=check_full)
    options = ShardOptions(
        clip=ClipOptions(fps=Fraction(FPS), sampling=Blocks(seq_len=SEQ_LEN), decode=decode)
    )
    entries = [Entry(path=str(path), label=0, split="train", line=0) for path in videos]
    size = len(entries) if one_shard else None
    shards = plan_shards(entries, seed=options.clip.seed, videos_per_shard=size)
    written = tempfile.TemporaryDirectory()

    def work() -> None:
        folder = DataSetFolder(tempfile.mkdtemp(dir=written.name))
        folder.make(META)
        for shard in shards:
            job = ShardJob(
                shard=shard,
                root="/",
                folder=folder,
                scratch=folder.path,
                options=options,
                classes=["class"],
                fingerprint="",
                summed=True,
                finished=None,
                quarantine={},
            )
            put_shard(job, write_shard(job, lambda place: None, lambda report: None))

    return work


def decode_everything(videos: Sequence[Path], *, threads: int = 1) -> Callable[[], None]:
    """Decode every frame with PyAV and keep nothing; 0 threads stands for one on each core."""
    return lambda: decode_videos(videos, threads=threads)


def plain_way(videos: Sequence[Path]) -> Callable[[], None]:
    """ffprobe for the size, ffmpeg-python's raw pipe, Pillow, tarfile."""

    def work() -> None:
        with tarfile.open(fileobj=io.BytesIO(), mode="w") as tar:
            for number, path in enumerate(videos):
                stream = ffmpeg.probe(str(path), select_streams="v:0")["streams"][0]
                size = (stream["height"], stream["width"], 3)
                raw, _ = (
                    ffmpeg.input(str(path))
                    .filter("fps", fps=FPS)
                    .output("pipe:", format="rawvideo", pix_fmt="rgb24")
                    .run(capture_stdout=True, quiet=True)
                )
                frames = np.frombuffer(raw, np.uint8).reshape(-1, *size)
                for place, frame in enumerate(pick(frames)):
                    buffer = io.BytesIO()
                    Image.fromarray(frame).save(buffer, "JPEG", quality=90)
                    add_member(tar, f"{number}.{place}.jpg", buffer.getvalue())

    return work


def static_way(videos: Sequence[Path]) -> Callable[[], None]:
    """A static ffmpeg's raw pipe at a known size, simplejpeg, tarfile; no probe."""
    import imageio_ffmpeg

    program = imageio_ffmpeg.get_ffmpeg_exe()

    def work() -> None:
        with tarfile.open(fileobj=io.BytesIO(), mode="w") as tar:
            for number, path in enumerate(videos):
                command = (
                    ffmpeg.input(str(path))
                    .filter("fps", fps=FPS)
                    .output("pipe:", format="rawvideo", pix_fmt="rgb24", s="320x240")
                    .compile(cmd=program)
                )
                raw = subprocess.run(
                    [*command, "-v", "error", "-nostdin"], capture_output=True, check=True
                ).stdout
                frames = np.frombuffer(raw, np.uint8).reshape(-1, 240, 320, 3)
                for place, frame in enumerate(pick(frames)):
                    jpeg = simplejpeg.encode_jpeg(frame, quality=90, colorsubsampling="420")
                    add_member(tar, f"{number}.{place}.jpg", jpeg)

    return work


def image_writer_way(videos: Sequence[Path]) -> Callable[[], None]:
    """Decode all, simplejpeg, then what img2dataset's writer does with each picture.

    That is a sample of webdataset's TarWriter with a json, and a row of a parquet file.
    """
    from pyarrow import Table, parquet
    from webdataset.writer import TarWriter

    def work() -> None:
        rows = []
        with tempfile.TemporaryFile() as file, TarWriter(file) as tar:
            for number, path in enumerate(videos):
                with av.open(str(path), metadata_errors="replace") as container:
                    stream = container.streams.video[0]
                    stream.thread_type, stream.codec_context.thread_count = "NONE", 1
                    frames = list(container.decode(stream))
                for place in range(SEQ_LEN):
                    picture = frames[len(frames) * place // SEQ_LEN].to_ndarray(format="rgb24")
                    jpeg = simplejpeg.encode_jpeg(picture, quality=90, colorsubsampling="420")
                    row = {"key": f"{number:05d}{place:04d}", "url": str(path), "width": 320}
                    row |= {"sha256": hashlib.sha256(jpeg).hexdigest(), "status": "success"}
                    tar.write({"__key__": row["key"], "jpg": jpeg, "json": row})
                    rows.append(row)
        parquet.write_table(Table.from_pylist(rows), io.BytesIO())

    return work


def pick(frames: np.ndarray) -> np.ndarray:
    """One frame of each of SEQ_LEN blocks."""
    return frames[[len(frames) * block // SEQ_LEN for block in range(SEQ_LEN)]]


def add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def keyframe_interval(path: Path) -> float:
    """Frames a keyframe."""
    with av.open(str(path), metadata_errors="replace") as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    return len(packets) / max(1, sum(packet.is_keyframe for packet in packets))


def write_film(path: Path, *, seconds: int, size: tuple[int, int] = (320, 240)) -> None:
    """An H.264 film at 25 fps: a grainy picture that pans, a keyframe every 2 s."""
    width, height = size
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 200, (-(-height // 8), -(-width // 4), 3), np.uint8)
    scene = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height]
    grain = [rng.integers(0, 24, (height, width, 3), np.uint8) for _ in range(16)]
    settings = {"preset": "veryfast", "g": "50", "bf": "3"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options=settings)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * 25):
            picture = np.roll(scene, -number, axis=1)[:, :width] + grain[number % len(grain)]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


def compare_videos(videos: Sequence[Path], runs: int) -> None:
    if not videos:
        return
    ways = {
        "decoding every frame, keeping nothing": decode_everything(videos),
        "lrcn-data shard": ours(videos),
        "lrcn-data shard --check full": ours(videos, check_full=True),
        'every frame with thread_type = "AUTO"': decode_everything(videos, threads=0),
    }
    show(f"{len(videos)} videos", compare(ways, runs=runs), items=len(videos), unit="video")


def compare_pipelines(videos: Sequence[Path], runs: int) -> None:
    ways = {"lrcn-data shard": ours(videos), "static ffmpeg, simplejpeg": static_way(videos)}
    if shutil.which("ffprobe") and shutil.which("ffmpeg"):
        ways["ffprobe, ffmpeg, Pillow, tarfile"] = plain_way(videos)
    else:
        print("no ffprobe and ffmpeg on the PATH: the plain way is left out")
    if find_spec("pyarrow"):
        ways["decode all, img2dataset's writer"] = image_writer_way(videos)
    else:
        print("no pyarrow: img2dataset's writer is left out")
    show("whole pipelines", compare(ways, runs=runs), items=len(videos), unit="video")


def compare_films(minutes: int, runs: int) -> None:
    """Four films a shard; a shard has eight videos or more."""
    for size in ((320, 240), (640, 360)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film.mp4"
            write_film(path, seconds=60 * minutes, size=size)
            films = [path, *(Path(folder) / f"{copy}.mp4" for copy in range(3))]
            for link in films[1:]:
                link.symlink_to(path)
            ways = {
                "lrcn-data shard": ours(films),
                "decoding every frame": decode_everything(films),
            }
            title = f"{SEQ_LEN} frames of {minutes} minutes of H.264, {size[0]}x{size[1]}"
            show(title, compare(ways, runs=runs), items=len(films), unit="film")


def compare_growth(runs: int) -> None:
    """How the cost grows with frames a clip, length and resolution."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(path, seconds=60)
        for seq_len in (4, 8, 16, 32):
            options = ClipOptions(fps=Fraction(FPS), sampling=Blocks(seq_len=seq_len))
            report(f"one minute of 320x240, {seq_len} frames", path, options, runs)
        for minutes in (2, 4, 8):
            write_film(path, seconds=60 * minutes)
            report(f"{minutes} minutes of 320x240, 8 frames", path, ClipOptions(), runs)
        for size in ((160, 120), (640, 480), (1280, 720), (1920, 1080)):
            write_film(path, seconds=20, size=size)
            report(f"20 seconds of {size[0]}x{size[1]}, 8 frames", path, ClipOptions(), runs)


def report(title: str, path: Path, options: ClipOptions, runs: int) -> None:
    measured = compare({"": lambda: read_clips(path, path.name, options)}, runs=runs)
    print(f"{title}: {measured[''].median * 1000:.1f} ms")


def compare_jpeg(videos: Sequence[Path], runs: int) -> None:
    """The JPEG encoders side by side, on frames of the videos."""
    frames = [
        frame
        for path in videos[:40]
        for clip in read_clips(path, path.name, ClipOptions()).clips
        for frame in clip.frames
    ]

    def with_pillow() -> None:
        for frame in frames:
            Image.fromarray(frame).save(io.BytesIO(), "JPEG", quality=90, subsampling=2)

    def with_simplejpeg() -> None:
        for frame in frames:
            simplejpeg.encode_jpeg(frame, quality=90, colorsubsampling="420")

    measured = compare({"simplejpeg": with_simplejpeg, "Pillow": with_pillow}, runs=runs)
    show("JPEG encoders, quality 90, 4:2:0", measured, items=len(frames), unit="frame")


def measure_memory(seconds: int, size: tuple[int, int]) -> None:
    """The most private memory that a worker has, converting a film."""
    with tempfile.TemporaryDirectory() as name:
        write_film(Path(name) / "film.mp4", seconds=seconds, size=size)
        (Path(name) / "train.txt").write_text("film.mp4 0\n")
        most = most_memory_of_children(
            [sys.executable, "-m", "lrcn_cli.data", "shard", "--workers", "1", "--allow-one-class"],
            Path(name),
        )
    width, height = size
    print(f"{seconds} s of {width}x{height}: a worker had at most {most / 1e6:.0f} MB of its own")


def most_memory_of_children(command: Sequence[str], folder: Path) -> int:
    """Run a command, and give the most bytes that a process it started had for itself (USS)."""
    most = 0
    run = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None:
        with suppress(psutil.Error):
            for process in run.children(recursive=True):
                most = max(most, process.memory_full_info().uss)
        time.sleep(0.02)
    assert run.returncode == 0
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="The folder of the videos, such as UCF-101's.")
    parser.add_argument(
        "--runs",
        type=int,
        default=5,
        help="The number of counted runs of each way to make shards [default: %(default)s].",
    )
    parser.add_argument(
        "--minutes",
        type=int,
        default=10,
        help="The length of the generated films, in minutes [default: %(default)s].",
    )
    arguments = parser.parse_args()
    videos = find_videos(arguments.videos)
    print(f"PyAV {av.__version__}, {len(videos)} videos, medians of {arguments.runs}", flush=True)
    compare_videos(videos, arguments.runs)
    dense = [path for path in videos if keyframe_interval(path) <= 13]
    print(f"those with a keyframe every 12 frames or so: {len(dense)}")
    compare_videos(dense, arguments.runs)
    compare_pipelines(videos, arguments.runs)
    compare_films(arguments.minutes, arguments.runs)
    compare_jpeg(videos, arguments.runs)
    compare_growth(arguments.runs)
    measure_memory(60, (1920, 1080))
    measure_memory(60 * arguments.minutes, (320, 240))


if __name__ == "__main__":
    main()
