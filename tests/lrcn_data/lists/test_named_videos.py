"""Names of files, folders, patterns and lists mean videos."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from lrcn_data.errors import UsageError
from lrcn_data.lists.named_videos import named_videos
from lrcn_data.lists.problems import ListError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.mp4", "a.avi", "walk/c.mkv", "walk/deep/d.mp4", "walk/notes.doc", "[1].mp4"):
        path = tmp_path / "videos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*names: str, pictures: bool = False, root: str = ".") -> list[str]:
    return list(named_videos(names, root=root, pictures=pictures).paths)


def test_a_folder_means_all_videos_in_and_below_it_and_what_is_left_out_is_counted(
    folder: Path,
) -> None:
    found = named_videos(["videos"], root=".")
    expected = {"[1].mp4", "a.avi", "b.mp4", "walk/c.mkv", "walk/deep/d.mp4"}
    assert set(found.paths) == {f"videos/{name}" for name in expected}
    assert dict(found.left_out) == {"files that are no videos by their names": 1}


def test_each_video_is_there_once_in_the_order_of_the_names(folder: Path) -> None:
    assert paths("videos/b.mp4", "videos/*.*", "videos/b.mp4") == [
        "videos/b.mp4",
        "videos/[1].mp4",
        "videos/a.avi",
    ]
    assert paths("videos/**/*.mp4")[-1] == "videos/walk/deep/d.mp4"


def test_a_name_that_is_there_is_no_pattern_and_one_that_isnt_is_still_named(folder: Path) -> None:
    assert paths("videos/[1].mp4", "videos/missing.mp4") == ["videos/[1].mp4", "videos/missing.mp4"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain.txt", "b.mp4 walk\n# a comment\na.avi 0\nb.mp4 run\n"),
        ("bare.txt", "b.mp4\na.avi\n"),
        ("table.csv", "video,label\nb.mp4,walk\na.avi,run\n"),
        ("segments.csv", "video,start,end,label\nb.mp4,0,1,walk\nb.mp4,1,2,run\na.avi,0,1,run\n"),
        ("several.csv", 'path,label\nb.mp4,"walk,run"\na.avi,walk\n'),
        ("found.csv", "video,start,end,label,score\nb.mp4,0,1,walk,0.5\na.avi,0,1,walk,0.4\n"),
    ],
)
def test_a_list_means_the_videos_of_its_lines_whatever_their_labels(
    folder: Path, name: str, text: str
) -> None:
    (folder / name).write_text(text)
    assert paths(name, root="videos") == ["videos/b.mp4", "videos/a.avi"]


def test_a_folder_of_numbered_pictures_is_a_video_where_there_is_a_rate_for_it(
    folder: Path, write_video: Callable[..., Path]
) -> None:
    for number in range(3):
        (folder / f"pictures/{number}.jpg").parent.mkdir(exist_ok=True)
        (folder / f"pictures/{number}.jpg").write_bytes(b"x")
    assert paths("pictures", pictures=True) == ["pictures"]
    # not passed over: whoever reads it says what is missing
    assert paths("pictures") == ["pictures"]
    (folder / "pictures/e.mp4").write_bytes(b"x")
    assert paths("pictures") == ["pictures/e.mp4"]


def test_what_means_no_video_is_refused(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="empty has no videos; name a folder of video files"):
        paths("empty")
    with pytest.raises(UsageError, match=r"\*.mov fits no file; check it"):
        paths("*.mov")
    (folder / "empty.txt").write_text("# nothing\n")
    with pytest.raises(ListError, match="this list has no video"):
        paths("empty.txt")
    with pytest.raises(ListError, match="this list can't be read"):
        paths("missing.txt")


@pytest.fixture
def store(folder: Path) -> Iterator[str]:
    """The URL of the same files in memory."""
    system, name = fsspec.filesystem("memory"), f"named-{secrets.token_hex(4)}"
    for path in (folder / "videos").rglob("*.*"):
        system.pipe_file(f"/{name}/{path.relative_to(folder / 'videos')}", path.read_bytes())
    yield f"memory:///{name}"
    system.rm(f"/{name}", recursive=True)


def test_urls_mean_the_videos_that_paths_mean(folder: Path, store: str) -> None:
    found, here = (named_videos([name], root=".") for name in (store, "videos"))
    assert [path.replace(store, "videos") for path in found.paths] == here.paths
    assert found.left_out == here.left_out
    assert paths(f"{store}/walk/*.mkv") == [f"{store}/walk/c.mkv"]
    assert paths(f"{store}/missing.mp4") == [f"{store}/missing.mp4"]
    fsspec.filesystem("memory").pipe_file(f"{store}/list.txt", b"a.avi x\nwalk/c.mkv y\n")
    expected = [f"{store}/a.avi", f"{store}/walk/c.mkv"]
    assert paths(f"{store}/list.txt", root=store) == expected
    Path("list.txt").write_text("a.avi x\nwalk/c.mkv y\n")
    assert paths("list.txt", root=store) == expected


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/*.gif", "fits no file"),
        ("/**/*.mp4", "has no meaning in a URL"),
        ("/texts", "has no videos"),
    ],
)
def test_urls_that_mean_no_video_are_named(store: str, name: str, said: str) -> None:
    fsspec.filesystem("memory").pipe_file(f"{store}/texts/x.doc", b"x")
    with pytest.raises(UsageError, match=said):
        paths(f"{store}{name}")
