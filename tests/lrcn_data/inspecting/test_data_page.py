"""The page of a data set: what is on it, whatever the data set has, and how large it gets."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lrcn_data.errors import UsageError
from lrcn_data.inspecting.data_page import PageOptions, make_data_page
from lrcn_data.inspecting.page_clips import Strips
from lrcn_data.inspecting.page_counts import class_counts, class_seconds, length_histogram
from lrcn_data.inspecting.stats import ClassStats, compute_stats
from lrcn_data.making.make_shards import make_shards

MakeDataSet = Callable[..., Path]
GOLDEN = Path(__file__).parents[2] / "golden"


class Page(HTMLParser):
    """The texts, links and pictures of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.pictures: list[str] = []
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self._hidden = tag in ("style", "script")
        self.links += [values["href"] or ""] if "href" in values else []
        self.ids += [values["id"] or ""] if "id" in values else []
        self.pictures += [values["src"] or ""] if "src" in values else []

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.text.append(" ".join(data.split()))

    @property
    def said(self) -> str:
        return " ".join(self.text)


def page_of(folder: Path, **options: Any) -> Page:
    return Page(make_data_page(folder, PageOptions(root=folder, **options)).html)


def test_the_page_has_counts_samples_and_findings(make_data_set: MakeDataSet) -> None:
    sizes = ((32, 24), (32, 24), (24, 32))
    page = page_of(make_data_set(samples={"train": [6, 3], "test": [3]}, sizes=sizes))
    assert "12 clips 14 videos 3 classes 4 frames a clip" in page.said
    for text in ("class 0", "class 1", "class 2", "Black frames", "25 fps", "32x24", "24x32"):
        assert text in page.said
    assert "Other sizes: 4 of 12 clips" in page.said
    assert "The pictures of all clips were looked at." in page.said
    assert "short: 1 of train , 1 of test" in page.said


def test_every_link_leads_somewhere_and_nothing_is_fetched(make_data_set: MakeDataSet) -> None:
    page = page_of(make_data_set(sizes=((32, 24), (24, 32))))
    inside = [link for link in page.links if link != "data:,"]
    assert inside
    assert {link.removeprefix("#") for link in inside} <= set(page.ids)
    assert page.pictures
    assert all(picture.startswith("data:image/webp;base64,") for picture in page.pictures)


def test_page_and_stats_tell_the_same_findings(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [20], "test": [9]}, change_jpegs=all_as_the_first)
    options = {"look_at": 15, "seed": 4}
    stats, _ = compute_stats(str(folder), **options)
    page = make_data_page(folder, PageOptions(**options))
    assert page.stats.findings == stats.findings
    assert {finding.name for finding in stats.findings} >= {"repeated-frames"}
    assert "The pictures of 15 of 29 clips were looked at" in Page(page.html).said
    # a page decodes no more than it shows, so it has no deviation of all pixels
    assert page.stats.pixels == dataclasses.replace(stats.pixels, std=None)


def all_as_the_first(jpegs: list[bytes]) -> list[bytes]:
    return [jpegs[0]] * len(jpegs)


def test_names_are_text_and_no_markup(make_data_set: MakeDataSet) -> None:
    hostile = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "a\u202eb\x07"]
    folder = make_data_set(class_names=hostile, samples={"train": [12]})
    html = make_data_page(folder).html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert escape(hostile[0], quote=False).replace("'", "&#39;") in html
    assert "\x07" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize("kind", ["multi_label", "variable_length", "labels_in_time"])
def test_data_sets_of_every_kind_have_a_page(make_data_set: MakeDataSet, kind: str) -> None:
    page = page_of(make_data_set(samples={"train": [6], "test": [4]}, **{kind: True}))
    said = {
        "multi_label": "one of several classes counts for each",
        "variable_length": "Frames of a clip",
        "labels_in_time": "unlabelled",
    }[kind]
    assert said in page.said


@pytest.mark.parametrize("name", ["v1", "every", "later", "appended", "sets", "lengths", "in_time"])
def test_data_sets_of_older_and_later_versions_have_a_page(name: str) -> None:
    page = page_of(GOLDEN / name)
    assert "Überschlag" in page.said
    assert "4 clips" in page.said


def test_segments_are_told_where_clips_have_consecutive_frames(make_data_set: MakeDataSet) -> None:
    windows = {"sampling": "windows", "stride": 4}
    folder = make_data_set(samples={"train": [6]}, labels_in_time=True, recipe=windows)
    page = page_of(folder)
    stats, _ = compute_stats(str(folder))
    assert stats.class_time
    for row in stats.class_time[:-1]:
        total = f"{sum(row.seconds.values()):,.1f} {sum(row.segments.values())}"
        assert f"{row.name} {total}" in page.said


def test_a_class_without_clips_in_a_split_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [30], "test": [1]})
    stats, _ = compute_stats(str(folder))
    missing = [row.name for row in stats.classes if not row.clips["test"]]
    assert len(missing) == 2
    assert f"No clip of test is of {', '.join(missing)}." in page_of(folder).said


def test_a_copy_without_records_has_a_page(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    for record in (folder / ".meta").glob("*.json"):
        record.unlink()
    assert "7 clips" in page_of(folder).said


def test_shards_of_one_split_have_a_page(make_data_set: MakeDataSet) -> None:
    page = page_of(make_data_set() / "test-*.tar")
    assert "2 clips 3 videos" in page.said
    assert "short: 1 of train , 1 of test" in page.said


def test_several_data_sets_have_no_page(make_data_set: MakeDataSet) -> None:
    make_data_set("one"), make_data_set("two")
    folder = make_data_set("three").parent
    with pytest.raises(UsageError, match="one data set"):
        make_data_page(folder / "*/train-000.tar")


def test_strips_end_where_their_bytes_are_used_up() -> None:
    strips = Strips(20_000)
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 256, (64, 85, 3), np.uint8)) for _ in range(8)]
    made = [strip for _ in range(20) if (strip := strips.add(frames))]
    longest = max(len(strip["uri"]) for strip in made)
    assert 1 <= len(made) < 20
    assert sum(len(strip["uri"]) for strip in made) < 20_000 + longest


@pytest.mark.parametrize("size", [(85, 64), (1000, 20), (20, 1000), (1, 1)])
def test_frames_of_any_shape_keep_it_and_get_no_black_bars(size: tuple[int, int]) -> None:
    strip = Strips(10**6).add([Image.new("RGB", size, "white")] * 2)
    assert strip
    width, height = strip["width"] / 2, strip["height"]
    assert height <= 64
    assert width <= 128
    assert abs(width - size[0] * height / size[1]) <= max(1, size[0] / size[1])


def test_ten_thousand_classes_are_shown_in_a_bounded_number_of_rows(
    make_data_set: MakeDataSet,
) -> None:
    stats, _ = compute_stats(str(make_data_set()))
    many = [ClassStats(name=f"{n:05d}", clips={"train": n, "test": 1}) for n in range(10_000)]
    counts = class_counts(dataclasses.replace(stats, classes=many))
    names = [row["name"] for row in counts["rows"]]
    assert (counts["count"], counts["most"], len(names)) == (10_000, 10_000, 300)
    assert {"09999", "00000"} <= set(names)
    assert class_seconds(None) is None


def test_a_few_very_long_videos_leave_the_others_in_several_bars() -> None:
    rng = np.random.default_rng(0)
    lengths = [*rng.uniform(2, 10, 500).tolist(), 7200.0]
    seconds = {("train", str(n), n): length for n, length in enumerate(lengths)}
    histogram = length_histogram(seconds, ["train", "test"])
    bars = [sum(bar) for bar in histogram["bins"]]
    assert sum(bars) == 501
    assert sum(bar > 0 for bar in bars) > 8
    assert bars[-1] == 1
    assert histogram["cut"]


def test_rejected_videos_are_shown_with_what_can_be_decoded(
    video_lists: Path, tmp_path: Path
) -> None:
    broken = [
        f"class0/clip {number}.{'mp4' if number % 3 else 'avi'}" for number in range(6, 20, 2)
    ]
    for name in broken:
        (video_lists / name).write_bytes(b"no video at all")
    make_shards(
        tmp_path / "shards",
        root=video_lists,
        train=video_lists / "train.txt",
        seq_len=8,
        max_bad_fraction=1,
    )
    page = Page(make_data_page(tmp_path / "shards", PageOptions(root=video_lists)).html)
    # six frames at 10 a second, of which clips have every other one
    assert "class0/clip 4.mp4 · train · frames at 0.10 to 0.50 s" in page.said
    # six of a reason with pictures, the others by their names
    assert "1 more" in page.said
    assert all(f"{name} · train" in page.said for name in broken)
    shutil.rmtree(video_lists / "class0")
    page = Page(make_data_page(tmp_path / "shards", PageOptions(root=video_lists)).html)
    assert f"no frame can be decoded: it is not in --root {video_lists}" in page.said
