"""What 1 thousand, 1 million and 100 million videos take, computed of what a few took.

    python bench/scale_costs.py FOLDER_OF_VIDEOS [--put-price 0.005] [--get-price 0.0004]

`lrcn-data shard` makes data sets of the videos, of all and of half of them, in large shards and in
small ones: on this machine, for CPU time and bytes, and from a bucket of moto's server into it, for
requests. The differences are what a video and what a shard take. Everything is one clip a video, at
8 frames. Linux only.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compare import cpu_seconds, print_table, processor_name
from served import CREDENTIALS, made_bucket, served
from shard import find_videos
from whole_command import WholeCommand, become_parent_of_orphans

from lrcn_data.format.data_set_folder import DataSetFolder
from lrcn_data.format.shard_reader import find_shards, open_data_set
from lrcn_data.making.plan import default_videos_per_shard
from lrcn_data.storage.folder import Folder

VIDEOS = (1_000, 1_000_000, 100_000_000)
SMALL, LARGE = 4, 12
"""The videos of a shard in the data sets that are made."""

PART = 8 << 20
"""The bytes of a file that are sent or fetched in one request."""

LISTED = 1000
"""The files that one request lists."""


@dataclass(frozen=True, kw_only=True)
class Requests:
    """Requests to a store, by what is paid for them.

    Attributes:
        put: Those that write or list.
        get: Those that read, or ask for a size; deletions cost nothing.
    """

    put: float
    get: float

    def __add__(self, other: Requests) -> Requests:
        return Requests(put=self.put + other.put, get=self.get + other.get)

    def __mul__(self, factor: float) -> Requests:
        return Requests(put=self.put * factor, get=self.get * factor)

    def dollars(self, put_price: float, get_price: float) -> float:
        """Their price, of prices for 1,000."""
        return (self.put * put_price + self.get * get_price) / 1000


@dataclass(frozen=True, kw_only=True)
class OneVideo:
    """What was measured.

    Attributes:
        cpu: The CPU seconds that making the clip of a video takes.
        tar_bytes: The bytes of its clip in the tars.
        meta_bytes: Those of its clip in `.meta`, the pixel sum left out.
        entry_bytes: The bytes of dataset.json for a shard.
        of_video: The requests for a video, read from a bucket.
        of_shard: The requests for a shard of up to 8 MiB, written into a bucket.
        of_opening: The requests for opening the data set, of which one lists and one fetches the
            index.
    """

    cpu: float
    tar_bytes: float
    meta_bytes: float
    entry_bytes: float
    of_video: Requests
    of_shard: Requests
    of_opening: Requests


def shard_command(videos: Sequence[Path], folder: Path, size: int) -> list[object]:
    """The command that makes shards of so many of some videos, relative to the folder's root."""
    folder.mkdir()
    lines = (f"{path.name} {number % 2}\n" for number, path in enumerate(videos))
    (folder / "train.txt").write_text("".join(lines))
    command = ["lrcn-data", "shard", "--train", folder / "train.txt", "--fps", 5, "--seq-len", 8]
    return [*command, "--videos-per-shard", size]


def measure_here(videos: Sequence[Path], folder: Path) -> tuple[float, DataSetFolder]:
    """The CPU seconds that one more video takes, and the data set of all, on this machine."""
    spent = []
    for name, some in {"half": videos[::2], "all": videos}.items():
        command = shard_command(some, folder / name, LARGE)
        whole = WholeCommand(
            command=[*command, "--root", videos[0].parent, "--out", folder / name / "shards"],
            folder=folder,
        )
        before = cpu_seconds()
        whole()
        spent.append(cpu_seconds() - before)
    return (spent[1] - spent[0]) / (len(videos) - len(videos[::2])), DataSetFolder(
        folder / "all" / "shards"
    )


def count(log: Path, start: int) -> Requests:
    """The requests that moto has written down from a byte of its log on."""
    with log.open() as file:
        file.seek(start)
        found = re.findall(r"([A-Z]+) (/\S*) HTTP/", file.read())
    kinds = Counter(map(kind_of_request, *zip(*found, strict=True)))
    return Requests(put=kinds["put"], get=kinds["get"])


def kind_of_request(method: str, place: str) -> str:
    """As what a request is paid for: `put`, `get` or `free`."""
    if method == "DELETE" or place.endswith("?delete"):
        return "free"
    return "put" if method in ("PUT", "POST") or "list-type" in place else "get"


def measure_requests(videos: Sequence[Path], folder: Path) -> tuple[Requests, Requests, Requests]:
    """The requests that a video, a shard, and opening a data set take."""
    log = folder / "requests.log"
    os.environ.update(CREDENTIALS)
    with served([sys.executable, "-m", "moto.server", "-p", "{port}"], log) as endpoint:
        os.environ["AWS_ENDPOINT_URL"] = endpoint
        made_bucket(endpoint, "bench")
        for path in videos:
            Folder("s3://bench/videos").write(path.name, path.read_bytes())
        taken, shards = {}, {}
        for name, some, size in (
            ("small", videos, SMALL),
            ("large", videos, LARGE),
            ("half", videos[::2], LARGE),
        ):
            program, *words = map(str, shard_command(some, folder / f"to-{name}", size))
            words += ["--root", "s3://bench/videos"]
            out = f"s3://bench/{name}"
            before = log.stat().st_size
            subprocess.run(
                [Path(sys.executable).with_name(program), *words, "--out", out],
                check=True,
                capture_output=True,
            )
            taken[name] = count(log, before)
            shards[name] = -(-len(some) // size)
        before = log.stat().st_size
        open_data_set("s3://bench/large")
        opening = count(log, before)
    of_shard = (taken["small"] + taken["large"] * -1) * (1 / (shards["small"] - shards["large"]))
    rest = taken["large"] + taken["half"] * -1 + of_shard * (shards["half"] - shards["large"])
    return rest * (1 / (len(videos) - len(videos[::2]))), of_shard, opening


def measure(videos: Sequence[Path], folder: Path) -> OneVideo:
    """Make the data sets; see the head of this file."""
    cpu, made = measure_here(videos, folder)
    found = find_shards(made.location)
    sizes = {name: made.size(f".meta/{name}") or 0 for name in made.names(".meta")}
    del sizes["pixel_sum.npz"]
    of_video, of_shard, of_opening = measure_requests(videos, folder)
    return OneVideo(
        cpu=cpu,
        tar_bytes=sum(shard.entry.bytes for shard in found.shards) / len(videos),
        meta_bytes=sum(sizes.values()) / len(videos),
        entry_bytes=(made.size("dataset.json") or 0) / len(found.shards),
        of_video=of_video,
        of_shard=of_shard,
        of_opening=of_opening,
    )


INDEX_BYTES = 64
"""The bytes of a clip in the index of its split."""

FILES_LISTED = 16
"""How often a file of a shard is listed while a data set is made: four times each of four files."""


def making(one: OneVideo, videos: int) -> Requests:
    """The requests of `lrcn-data shard`, of videos in a bucket, into that bucket."""
    size = default_videos_per_shard(videos)
    shards = -(-videos // size)
    parts = -(-int(size * one.tar_bytes) // PART)
    larger = Requests(put=parts + 1 if parts > 1 else 0, get=0)
    listed = Requests(put=(videos + FILES_LISTED * shards) / LISTED, get=0)
    return listed + one.of_video * videos + (one.of_shard + larger) * shards


def opening(one: OneVideo, videos: int) -> Requests:
    """The requests of opening the data set in a bucket: in one process, as its workers share."""
    listed = -(-videos // default_videos_per_shard(videos)) / LISTED
    index = videos * INDEX_BYTES / PART
    return one.of_opening + Requests(put=max(0, listed - 1), get=max(0, index - 1))


def rows(one: OneVideo, put_price: float, get_price: float) -> list[list[str]]:
    """The table of what each number of videos takes."""

    def row(name: str, values: Sequence[float], form: str) -> list[str]:
        return [name, *(form.format(value) for value in values)]

    def paid(name: str, each: Sequence[Requests]) -> list[list[str]]:
        dollars = [requests.dollars(put_price, get_price) for requests in each]
        return [
            row(f"{name}: requests that write or list", [r.put for r in each], "{:,.0f}"),
            row(f"{name}: requests that read", [r.get for r in each], "{:,.0f}"),
            row(f"{name}: price of both, $", dollars, "{:,.2f}"),
        ]

    shards = [-(-videos // default_videos_per_shard(videos)) for videos in VIDEOS]
    size = [default_videos_per_shard(videos) * one.tar_bytes for videos in VIDEOS]
    cached = [
        Requests(put=0, get=count * (-(-each // PART) + 2))
        for count, each in zip(shards, size, strict=True)
    ]
    return [
        row("shards", shards, "{:,}"),
        row("GB of tars", [v * one.tar_bytes / 1e9 for v in VIDEOS], "{:,.2f}"),
        row("MB of .meta", [v * one.meta_bytes / 1e6 for v in VIDEOS], "{:,.1f}"),
        row("MB of the index in it", [v * INDEX_BYTES / 1e6 for v in VIDEOS], "{:,.2f}"),
        row("MB of dataset.json", [s * one.entry_bytes / 1e6 for s in shards], "{:,.2f}"),
        row("CPU hours of making", [v * one.cpu / 3600 for v in VIDEOS], "{:,.3f}"),
        *paid("making", [making(one, videos) for videos in VIDEOS]),
        *paid("opening", [opening(one, videos) for videos in VIDEOS]),
        *paid("an epoch, clip by clip", [Requests(put=0, get=videos) for videos in VIDEOS]),
        *paid("an epoch into the cache", cached),
    ]


def show(one: OneVideo, put_price: float, get_price: float) -> None:
    def words(requests: Requests) -> str:
        return f"{requests.put:.2f} that write or list, {requests.get:.2f} that read"

    measured = [
        ["CPU time of a video", f"{one.cpu * 1000:.2f} ms"],
        ["its clip in tars, in .meta", f"{one.tar_bytes:,.0f}, {one.meta_bytes:,.0f} bytes"],
        ["a shard in dataset.json", f"{one.entry_bytes:,.0f} bytes"],
        ["requests for a video", words(one.of_video)],
        ["requests for a shard", words(one.of_shard)],
        ["requests for opening", words(one.of_opening)],
    ]
    print_table("measured", ["", ""], measured)
    title = f"computed, at ${put_price} and ${get_price} for 1,000 requests"
    headings = ["videos", *(f"{videos:,}" for videos in VIDEOS)]
    print_table(title, headings, rows(one, put_price, get_price))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, help="The folder of the videos to shard.")
    parser.add_argument(
        "--put-price",
        type=float,
        default=0.005,
        help="The dollars for 1,000 requests that write or list [default: %(default)s].",
    )
    parser.add_argument(
        "--get-price",
        type=float,
        default=0.0004,
        help="The dollars for 1,000 requests that read [default: %(default)s].",
    )
    arguments = parser.parse_args()
    become_parent_of_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        links = folder / "videos"
        links.mkdir()
        videos = []
        for number, path in enumerate(find_videos(arguments.videos)):
            videos.append(links / f"{number:06d}{path.suffix}")
            videos[-1].symlink_to(path.resolve())
        print(f"{processor_name()}; {len(videos)} videos", flush=True)
        show(measure(videos, folder), arguments.put_price, arguments.get_price)


if __name__ == "__main__":
    main()
