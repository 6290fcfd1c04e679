"""The commands of `lrcn-data` that make lists and pictures, as a user calls them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.commands import call

MakeDataSet = Callable[..., Path]
MAIN = "import sys; sys.argv[0] = 'lrcn-data'; from lrcn_cli.data import main; main()"


def lrcn_data(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return call("data", *arguments, folder=cwd, code=None)


def in_a_process(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments], cwd=cwd, capture_output=True, text=True, env=env
    )


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["lists", "--help"], ["preview", "-h"], ["stats", "-h"], ["demo", "-h"]],
)
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = f"""
import sys
sys.argv = ["lrcn-data", *{arguments!r}]
from lrcn_cli.data import main
try:
    main()
except SystemExit as stop:
    assert stop.code == 0, stop.code
heavy = {{"numpy", "av", "PIL", "torch", "webdataset", "rich", "simplejpeg", "fsspec", "ffmpeg"}}
print("heavy:", sorted(heavy & set(sys.modules)))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.stdout.splitlines()[0].startswith("Usage: lrcn-data")
    assert result.stdout.splitlines()[-1] == "heavy: []", result.stderr


def test_the_help_of_the_group_is_that_of_its_commands() -> None:
    from lrcn_cli import data

    context = data.command.make_context("lrcn-data", ["stats"])
    group = data.command
    assert isinstance(group, data.LazyGroup)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.get_short_help_str(100) == data.COMMANDS[name]


def test_an_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    result = lrcn_data("shards", cwd=tmp_path)
    assert result.returncode == 2
    assert "No such command 'shards'" in result.stderr
    assert "Traceback" not in result.stderr


def test_lists_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    touch(tmp_path, *(f"my videos/{c}/{n}.avi" for c in ("run", "walk") for n in range(5)))
    result = in_a_process("lists", "my videos", "--test-fraction", "0.2", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "train.txt: 8 videos",
        "test.txt: 2 videos",
        "classes.txt: 2 classes: run 5, walk 5",
        "next: lrcn-data shard --fps 5 --seq-len 8 --root 'my videos' --classes classes.txt",
    ]
    _, arguments = result.stdout.splitlines()[-1].split("lrcn-data ")
    dry = in_a_process(*shlex.split(arguments), "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr


def test_lists_of_split_folders_come_without_fractions_and_are_sharded(tmp_path: Path) -> None:
    folders = ("train/run", "train/walk", "val/run", "test/walk")
    touch(tmp_path, *(f"videos/{folder}/{n}.avi" for folder in folders for n in range(2)))
    result = lrcn_data("lists", "videos", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:4] == [
        "train.txt: 4 videos",
        "val.txt: 2 videos",
        "test.txt: 2 videos",
        "classes.txt: 2 classes: run 4, walk 4",
    ]
    dry = lrcn_data("shard", "--root", "videos", "--dry-run", cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr


def test_lists_says_what_it_left_out_and_what_the_group_pattern_matched(tmp_path: Path) -> None:
    touch(tmp_path, *(f"v/{c}/p{p}/1.avi" for c in ("run", "walk") for p in range(2)))
    touch(tmp_path, "v/run/other.avi", "v/run/a.txt", "v/run/b.txt", "v/run/c.jpg")
    arguments = ["lists", "v", "--test-fraction", "0.5", "--group-pattern", "p[0-9]"]
    result = lrcn_data(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "--group-pattern: matches 4 of 5 names, in 2 groups" in result.stdout.splitlines()
    assert result.stderr.splitlines() == [
        "warning: left out: 3 files that are no videos by their names (.txt 2, .jpg 1)",
        "warning: --group-pattern doesn't match 1 of 5 names; each of these videos is a group by"
        " itself",
    ]
    again = lrcn_data(*arguments, "--overwrite", "--json", cwd=tmp_path)
    record = json.loads(again.stdout)
    assert record["left_out"] == {"files that are no videos by their names": {".txt": 2, ".jpg": 1}}
    assert record["groups"] == {"names": 5, "matched": 4, "groups": 2}


def test_lists_of_many_classes_are_told_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path, *(f"v/c{c:02}/{n}.avi" for c in range(30) for n in range(c + 1)))
    result = lrcn_data("lists", "v", "--test-fraction", "0", cwd=tmp_path)
    line = result.stdout.splitlines()[1]
    assert line.startswith("classes.txt: 30 classes: c00 1, c01 2, ")
    assert line.endswith("c09 10 and 20 more, from c00 1 to c29 30")


def test_a_single_class_is_refused_by_lists_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path, "v/walk/1.avi", "v/walk/2.avi")
    result = lrcn_data("lists", "v", "--test-fraction", "0", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "error: v has a single class, walk, of which every answer would be right; name what has"
        " all classes, or give --allow-one-class if one is meant\n"
    )


def test_lists_refuses_to_replace_lists(tmp_path: Path) -> None:
    touch(tmp_path, "v/run/1.avi", "v/run/2.avi", "v/walk/1.avi", "v/walk/2.avi", "test.txt")
    arguments = ["lists", "v", "--test-fraction", "0.5"]
    result = lrcn_data(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        "error: . has test.txt already; name another folder with --out, or give --overwrite\n"
    )
    assert lrcn_data(*arguments, "--overwrite", cwd=tmp_path).returncode == 0


def test_lists_counts_what_is_absent_as_json(tmp_path: Path) -> None:
    touch(tmp_path, "videos/wave/a_wave_1.avi")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/wave_test_split1.txt").write_text("a_wave_1.avi 1 \nb_wave_1.avi 2 \n")
    one_class = ["--allow-one-class", "--json"]
    result = lrcn_data("lists", "splits", "--videos", "videos", *one_class, cwd=tmp_path)
    assert json.loads(result.stdout)["videos"] == {"train": 1, "val": 0, "test": 1}
    assert result.stderr == (
        "warning: 1 of 2 videos are not under videos; --present leaves them out\n"
    )
    again = ["lists", "splits", "--videos", "videos", "--present", "--overwrite"]
    result = lrcn_data(*again, *one_class, cwd=tmp_path)
    assert json.loads(result.stdout) == {
        "files": ["train.txt", "classes.txt"],
        "classes": 1,
        "class_counts": {"wave": 1},
        "videos": {"train": 1, "val": 0, "test": 0},
        "absent": 1,
        "ignored": 0,
        "left_out": {},
        "groups": None,
    }
    assert result.stderr == (
        "warning: no video of the official test list is there, so there is no test.txt\n"
    )


def test_lists_of_an_annotation_are_read_by_the_command_that_comes_next(tmp_path: Path) -> None:
    touch(tmp_path, "my videos/a.mp4", "my videos/sub/b.mp4")
    (tmp_path / "labels.csv").write_text("sequence,frame,label\na,1,0\na,2,0\na,3,1\nb,2,1\n")
    result = lrcn_data("lists", "labels.csv", "--videos", "my videos", cwd=tmp_path)
    assert result.stdout.splitlines() == [
        "train.csv: 2 videos, 3 segments",
        "classes.txt: 2 classes: 0 1, 1 2",
        "next: lrcn-data shard --fps 5 --seq-len 32 --root 'my videos' --classes classes.txt"
        " --train train.csv",
    ]
    assert result.stderr.splitlines() == [
        "warning: frames are taken to count from 1, since none is 0; --first-frame can say"
        " otherwise",
        "warning: all videos are in the train list; --test-fraction, --val-fraction or --folds"
        " divide them",
    ]
    assert (tmp_path / "train.csv").read_text() == (
        "video,start_frame,end_frame,label\na.mp4,0,2,0\na.mp4,2,3,1\nsub/b.mp4,1,2,1\n"
    )
    _, *arguments = shlex.split(result.stdout.splitlines()[-1].removeprefix("next: "))
    planned = lrcn_data(*arguments, "--dry-run", cwd=tmp_path)
    assert planned.returncode == 0


def test_lists_of_an_annotation_as_json_and_in_folds(tmp_path: Path) -> None:
    touch(tmp_path, *(f"v/{name}.mp4" for name in "abcd"))
    rows = "".join(f"{name}.mp4,0,1,run\n{name}.mp4,1,{number}.5,sit\n" for number, name in
                   enumerate("abcd", 1))  # fmt: skip
    (tmp_path / "all.csv").write_text("video,start,end,label\n" + rows)
    result = lrcn_data("lists", "all.csv", "--test-fraction", "0.25", "--json", cwd=tmp_path)
    found = json.loads(result.stdout)
    assert found["videos"] == {"train": 3, "val": 0, "test": 1}
    assert found["segments"] == {"train": 6, "test": 2}
    assert found["class_counts"] == {"run": 4, "sit": 4}
    folds = ["lists", "all.csv", "--videos", "v", "--folds", "2", "--out", "folds"]
    result = lrcn_data(*folds, cwd=tmp_path)
    assert '--root v --train "$fold/test.csv"' in result.stdout


def test_lists_refuses_to_write_over_its_annotation(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    text = "video,start,end,label\na.mp4,0,1,run\na.mp4,1,2,sit\n"
    (tmp_path / "train.csv").write_text(text)
    result = lrcn_data("lists", "train.csv", "--overwrite", cwd=tmp_path)
    assert result.returncode == 2
    assert "train.csv would be written over; name another folder with --out" in result.stderr
    assert (tmp_path / "train.csv").read_text() == text


def test_a_table_of_an_annotation_is_not_sharded_but_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "labels.csv").write_text("sequence,frame,label\na,1,0\na,2,1\n")
    result = lrcn_data("shard", "--train", "labels.csv", cwd=tmp_path)
    assert result.returncode == 2
    assert "of the form frame-table; convert it with `lrcn-data lists labels.csv`" in result.stderr


def test_lists_of_folds_say_which_groups_they_test_on_and_are_sharded_in_a_loop(
    tmp_path: Path,
) -> None:
    touch(tmp_path, *(f"my v/{c}/{p}_{c}.avi" for c in ("run", "walk") for p in ("b", "a")))
    arguments = ["lists", "my v", "--leave-one-group-out", "--group-pattern", "^[a-z]"]
    result = lrcn_data(*arguments, "--out", "my folds", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    loop = (
        "for fold in 'my folds/'fold-*; do lrcn-data shard --fps 5 --seq-len 8 --root 'my v'"
        ' --train "$fold/test.txt" --out "shards/${fold##*/}"; done'
    )
    assert result.stdout.splitlines() == [
        "2 groups, by --group-pattern: a, b",
        "my folds/fold-1: 2 train, 2 test videos; tested on a",
        "my folds/fold-2: 2 train, 2 test videos; tested on b",
        "2 classes: run 2, walk 2",
        "each video is in one test list: shards of the test lists serve all folds",
        f"next: {loop}",
    ]
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in (loop, loop.replace("test.txt", "train.txt")):
        dry = subprocess.run(
            ["sh", "-ec", line.replace("; done", " --dry-run; done")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": programs},
        )
        assert (dry.returncode, dry.stdout.count("shards/fold-")) == (0, 2), dry.stderr


def test_lists_of_folds_with_validation_are_sharded_fold_by_fold(tmp_path: Path) -> None:
    touch(tmp_path, *(f"v/{c}/{n}.avi" for c in ("run", "walk") for n in range(4)))
    arguments = ["lists", "v", "--folds", "2", "--val-fraction", "0.5"]
    result = lrcn_data(*arguments, cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "fold-1: 2 train, 2 val, 4 test videos",
        "fold-2: 2 train, 2 val, 4 test videos",
        "2 classes: run 4, walk 4",
        "next: for fold in fold-*; do lrcn-data shard --fps 5 --seq-len 8 --root v"
        ' --train "$fold/train.txt" --val "$fold/val.txt" --test "$fold/test.txt"'
        ' --out "shards/${fold##*/}"; done',
    ]
    [warning] = result.stderr.splitlines()
    assert warning.startswith("warning: the videos are divided one by one: names don't say")
    again = lrcn_data(*arguments, "--overwrite", "--json", cwd=tmp_path)
    record = json.loads(again.stdout)
    assert record["files"][:2] == ["fold-1/train.txt", "fold-1/val.txt"]
    assert record["class_counts"] == {"run": 4, "walk": 4}
    counts = {"train": 2, "val": 2, "test": 4}
    assert record["folds"] == [
        {"folder": f"fold-{number}", "videos": counts, "test_groups": None} for number in (1, 2)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "2", "--leave-one-group-out"], "leave --folds out, or give it alone"),
        (["--folds", "2", "--test-fraction", "0"], "--test-fraction doesn't go with --folds"),
        (
            ["--leave-one-group-out", "--split", "1"],
            "--split doesn't go with --leave-one-group-out",
        ),
        (["--folds", "2", "--present"], "--present are for annotations, and v is none"),
        (["--folds", "1"], "Invalid value for '--folds': 1 is not in the range"),
    ],
)
def test_options_that_folds_have_no_use_for_are_refused(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    touch(tmp_path, *(f"v/{c}/{n}.avi" for c in ("run", "walk") for n in range(4)))
    result = lrcn_data("lists", "v", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_stats_describes_and_writes(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    result = in_a_process("stats", cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    for part in (
        "class 0",
        "channel mean",
        "short",
        "32x24 (7) clips",
        "written: shards/stats.json",
    ):
        assert part in result.stdout
    assert (folder / "stats.json").exists()
    assert (folder / "mean.png").exists()


def test_stats_as_json_is_what_it_writes(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    result = lrcn_data("stats", str(folder), "--json", cwd=folder.parent)
    assert json.loads(result.stdout) == json.loads((folder / "stats.json").read_text())


def test_stats_of_no_data_set_is_one_line(tmp_path: Path) -> None:
    result = lrcn_data("stats", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")


def test_preview_draws_a_picture(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [9], "test": [2]})
    result = in_a_process("preview", "--out", "made/p.png", "--clips", "3", cwd=folder.parent)
    assert result.returncode == 0, result.stderr
    with Image.open(folder.parent / "made/p.png") as picture:
        assert result.stdout == f"made/p.png: 3 clips, {picture.width}x{picture.height} pixels\n"


def test_preview_says_once_which_letters_no_font_has(make_data_set: MakeDataSet) -> None:
    folder = make_data_set("ж\U00013000\U00013001")
    environment = {**os.environ, "PATH": ""}
    result = in_a_process("preview", folder.name, cwd=folder.parent, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("warning: no font here has letters of: Egyptian; they are")


def test_preview_takes_shards_and_splits(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(samples={"train": [3, 2], "test": [2]})
    shown = {}
    for arguments in (["shards/train-001.tar"], ["--split", "test"], ["--per-class", "1"]):
        result = lrcn_data("preview", *arguments, "--json", cwd=folder.parent)
        shown[arguments[0]] = json.loads(result.stdout)["keys"]
    assert sorted(shown["shards/train-001.tar"]) == ["train-001-00000", "train-001-00001"]
    assert sorted(shown["--split"]) == ["test-000-00000", "test-000-00001"]
    assert 1 <= len(shown["--per-class"]) <= 3


@pytest.mark.parametrize("out", ["p.nosuch", "shards/dataset.json/p.png"])
def test_preview_names_a_picture_that_cant_be_written(make_data_set: MakeDataSet, out: str) -> None:
    result = lrcn_data("preview", "--out", out, cwd=make_data_set().parent)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: --out {out} can't be written: ")


def test_demo_makes_videos_and_says_what_comes_next(tmp_path: Path) -> None:
    arguments = ["demo", "--train-videos", "4", "--val-videos", "0", "--test-videos", "2"]
    result = in_a_process(*arguments, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        "demo/train.txt: 4 videos",
        "demo/test.txt: 2 videos",
        "next: cd demo && lrcn-data shard --fps 5 --seq-len 8",
    ]
    assert len(list((tmp_path / "demo/videos").glob("*/*"))) == 6
    again = in_a_process(*arguments, "--json", cwd=tmp_path)
    assert json.loads(again.stdout) == {"folder": "demo", "videos": {"train": 4, "test": 2}}
    assert again.stderr == "6 of 6 videos were done before\n"


def test_demo_with_other_options_is_wrong_usage(tmp_path: Path) -> None:
    arguments = ["demo", "--train-videos", "1", "--val-videos", "0", "--test-videos", "0"]
    assert lrcn_data(*arguments, cwd=tmp_path).returncode == 0
    result = lrcn_data(*arguments, "--seed", "2", cwd=tmp_path)
    assert result.returncode == 2
    assert "--seed 0) already; name another folder" in result.stderr


def test_stats_warns_of_a_group_in_two_splits(tmp_path: Path) -> None:
    from lrcn_data.demo.videos import encode_video, plan_demo

    data = encode_video(next(v for v in plan_demo({"train": 9}, 0) if v.frames / v.rate > 1.5))
    for name in ("v_A_g01_c01", "v_A_g01_c02", "v_A_g02_c01"):
        (tmp_path / f"{name}.avi").write_bytes(data)
    (tmp_path / "train.txt").write_text("v_A_g01_c01.avi 0\nv_A_g02_c01.avi 0\n")
    (tmp_path / "test.txt").write_text("v_A_g01_c02.avi 0\n")
    refused = lrcn_data("shard", cwd=tmp_path)
    assert refused.returncode == 2
    assert "test.txt:1: group v_A_g01 is in train.txt:1 too" in refused.stderr
    refused = lrcn_data("shard", "--allow-leakage", cwd=tmp_path)
    assert refused.returncode == 2
    assert "train.txt and test.txt has a single class, 0, of which" in refused.stderr
    allowed = ("--allow-leakage", "--allow-one-class")
    assert lrcn_data("shard", *allowed, cwd=tmp_path).returncode == 0
    result = lrcn_data("stats", "--json", cwd=tmp_path)
    assert "warning: 0: v_A_g01 is in train and test: test scores" in result.stderr
    assert json.loads(result.stdout)["shared_groups"] == ["0: v_A_g01 is in train and test"]


def test_shard_says_what_would_have_kept_damaged_and_short_videos(tmp_path: Path) -> None:
    from lrcn_data.demo.videos import encode_video, plan_demo

    video = next(v for v in plan_demo({"train": 9}, 0) if v.frames / v.rate > 1.7)
    whole, short = encode_video(video), encode_video(replace(video, frames=9))
    for name, data in (("whole", whole), ("short", short), ("cut", whole[: len(whole) * 2 // 3])):
        (tmp_path / f"{name}.avi").write_bytes(data)
    (tmp_path / "train.txt").write_text("whole.avi 0\nshort.avi 1\ncut.avi 1\n")
    said = lrcn_data("shard", "--max-bad-fraction", "1", cwd=tmp_path).stderr
    assert "rejected.jsonl: 1 damaged, 1 short" in said
    assert "videos that are too short give clips with --short pad" in said
    assert "damaged videos give the clips of what is sound in them with --salvage" in said
    (tmp_path / "cut.avi").write_bytes(whole[:2000])
    salvaging = ("shard", "--max-bad-fraction", "1", "--salvage", "--out", "salvaged")
    said = lrcn_data(*salvaging, cwd=tmp_path).stderr
    assert "1 damaged" in said
    assert "--salvage" not in said


def test_shard_takes_all_frames_of_each_video_with_seq_len_max(tmp_path: Path) -> None:
    from lrcn_data.demo.videos import encode_video, plan_demo

    video = next(v for v in plan_demo({"train": 9}, 0) if v.frames / v.rate > 2)
    for name, frames in (("long", video.frames), ("short", 9)):
        (tmp_path / f"{name}.avi").write_bytes(encode_video(replace(video, frames=frames)))
    (tmp_path / "train.txt").write_text("long.avi 0\nshort.avi 1\n")
    done = lrcn_data("shard", "--seq-len", "max:8", "--json", cwd=tmp_path)
    counted = json.loads(done.stdout)
    assert (counted["clips"], counted["skipped"]) == (2, 0)
    stats = json.loads(lrcn_data("stats", "--json", cwd=tmp_path).stdout)
    least = counted["frames"] - 8
    assert stats["lengths"]["train"] == {"least": least, "median": (8 + least) / 2, "largest": 8}
    told = lrcn_data("stats", cwd=tmp_path).stdout
    assert f"{least} to 8 frames each (--seq-len max:8), from 5 frames a second" in told
    refused = lrcn_data("shard", "--seq-len", "max:9", cwd=tmp_path)
    assert refused.returncode == 1
    assert "--seq-len was max:8, is max:9; use another --out" in refused.stderr
    for given, said in (
        (("--seq-len", "longest"), "--seq-len must be a number of frames, max or max:64, got 'l"),
        (("--seq-len", "max", "--short", "loop"), "with --seq-len max none has; leave it out"),
    ):
        refused = lrcn_data("shard", *given, cwd=tmp_path)
        assert refused.returncode == 2
        assert said in refused.stderr


def test_who_has_enough_of_the_output_gets_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -c {shlex.quote(MAIN)} shard --help | true; exit 0",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


def test_a_place_that_cant_be_written_to_is_named_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path, "videos/a/0.avi", "videos/b/1.avi")
    done = lrcn_data(
        "lists", "videos", "--test-fraction", "0", "--out", "/proc/nowhere", cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: /proc/nowhere: No such file or directory")
    assert "Traceback" not in done.stderr


def test_the_group_alone_shows_its_help(tmp_path: Path) -> None:
    done = lrcn_data(cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: lrcn-data")
    assert "error:" not in done.stderr


def test_no_garbage_is_looked_for_as_the_process_ends(tmp_path: Path) -> None:
    # what is registered first is called last
    late = "import atexit, gc; atexit.register(lambda: print(len(gc.get_objects())));"
    command = [sys.executable, "-c", late + MAIN, "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 1000
