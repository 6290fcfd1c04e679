"""Written lists of segments are read as they were meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.errors import UsageError
from lrcn_data.lists.annotations.annotation import LabelledSpan
from lrcn_data.lists.made_lists import ListedTimes, ListedVideo, MadeLists
from lrcn_data.lists.make_lists import write_lists
from lrcn_data.lists.read_lists import read_lists
from lrcn_data.lists.segment_lines import segment_list
from lrcn_data.lists.time_labels import Unit

LABELS = st.sampled_from(
    ["run", "cut, mix", 'say "hi"', "-1", "Küche", "a;b", "tab\there", "x # y"]
)
NAMES = ("a.mp4", "b c.mp4", "d, e.mp4", "#1 f.avi", 'g".mp4', "no ending")


def listed(path: str, spans: list[tuple[float, float, str]], unit: Unit) -> ListedVideo:
    times = ListedTimes(spans=tuple(LabelledSpan(*span) for span in spans), unit=unit, fps=29.97)
    return ListedVideo(path=path, class_name=spans[0][2], depth=0, times=times)


@st.composite
def span_lists(draw: st.DrawFn, unit: Unit) -> list[tuple[float, float, str]]:
    scale = 1 if unit == "frames" else 1000
    found = []
    for _ in range(draw(st.integers(1, 4))):
        start, length = draw(st.integers(0, 10**6)), draw(st.integers(1, 10**6))
        found.append((start / scale, (start + length) / scale, draw(LABELS)))
    return found


@given(st.data(), st.sampled_from(["seconds", "frames"]))
def test_what_is_written_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, unit: Unit
) -> None:
    folder = tmp_path_factory.getbasetemp() / "lists"
    folder.mkdir(exist_ok=True)
    given_spans = {name: data.draw(span_lists(unit)) for name in NAMES}
    videos = [listed(name, spans, unit) for name, spans in given_spans.items()]
    classes = sorted({label for spans in given_spans.values() for *_, label in spans})
    made = MadeLists(classes=classes, videos=videos)
    train, class_file = write_lists(made, folder, overwrite=True)
    read = read_lists({"train": train}, root=folder, classes=class_file, allow_missing=True)
    assert read.classes == classes
    found = {
        entry.path: [(s.start, s.end, classes[s.label]) for s in entry.times.segments]
        for entry in read.entries
        if entry.times is not None
    }
    assert found == given_spans
    assert {entry.times.fps for entry in read.entries if entry.times} == {29.97}


@pytest.mark.parametrize("path", ["# a.mp4", " a.mp4", "a\nb.mp4"])
def test_a_name_that_would_read_differently_is_refused(path: str, tmp_path: Path) -> None:
    made = MadeLists(classes=["run"], videos=[listed(path, [(0, 1, "run")], "frames")])
    with pytest.raises(UsageError, match="no line of a list can hold"):
        write_lists(made, tmp_path)


def test_seconds_and_frames_in_one_list_are_refused() -> None:
    videos = [listed("a.mp4", [(0, 1, "run")], "frames"), listed("b.mp4", [(0, 1, "x")], "seconds")]
    with pytest.raises(UsageError, match="some videos are annotated in seconds"):
        segment_list(videos)
