"""Annotations of other tools and data sets become lists of segments."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lrcn_data.errors import UsageError
from lrcn_data.lists.annotated_lists import AnnotationOptions
from lrcn_data.lists.annotations.formats import FORMATS
from lrcn_data.lists.made_lists import MadeLists
from lrcn_data.lists.make_folds import make_folds, write_folds
from lrcn_data.lists.make_lists import make_lists, write_lists
from lrcn_data.lists.read_lists import read_lists

WriteVideo = Callable[..., Path]
Spans = list[tuple[float, float | None, str]]


class Sources:
    """Annotations, and empty videos in a folder `videos` beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "in").mkdir()
        (root / "videos").mkdir()

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.root / "in" / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def videos(self, *names: str) -> Path:
        for name in names:
            path = self.root / "videos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return self.root / "videos"

    def read(self, source: Path | None = None, *, present: bool = False, **more: Any) -> MadeLists:
        return make_lists(
            source or self.root / "in",
            videos=self.root / "videos",
            present=present,
            allow_one_class=True,
            annotation=AnnotationOptions(**more),
        )


def spans(made: MadeLists) -> dict[str, Spans]:
    return {
        video.path: [tuple(s) for s in video.times.spans] for video in made.videos if video.times
    }


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path)


def test_a_label_a_line_is_a_label_a_frame(sources: Sources) -> None:
    sources.file("rgb-01-1.txt", "cut\r\ncut\r\ncut\r\nmix\r\nmix\r\ncut\r\ncut\r\n")
    sources.videos("rgb-01-1.AVI")
    assert spans(sources.read()) == {"rgb-01-1.AVI": [(0, 3, "cut"), (3, 5, "mix"), (5, 7, "cut")]}


def test_a_blank_line_among_labels_a_frame_is_refused(sources: Sources) -> None:
    path = sources.file("a.txt", "cut\ncut\n\nmix\nmix\nmix\n")
    with pytest.raises(UsageError, match=r"a.txt:3: line 3 is blank"):
        sources.read(path)


def test_a_list_of_names_is_no_labels_a_frame(sources: Sources) -> None:
    path = sources.file("Actions.txt", "cut\nmix\nserve\n")
    with pytest.raises(UsageError, match=r"has none of the forms of annotations"):
        sources.read(path)


def test_a_table_of_no_form_is_refused_with_its_columns(sources: Sources) -> None:
    path = sources.file("a.csv", "video,start,end,label,note\na.mp4,0,1,cut,\n")
    with pytest.raises(UsageError, match=r"\(columns: video, start, end, label, note\); write"):
        sources.read(path)
    with pytest.raises(UsageError, match=r"form segments \(columns: .*and no other columns"):
        sources.read(path, form="segments")


def test_a_short_file_among_labels_a_frame_is_read_where_the_form_is_named(
    sources: Sources,
) -> None:
    sources.file("a.txt", "cut\ncut\n")
    sources.file("b.txt", "cut\nmix\n")
    sources.videos("a.mp4", "b.mp4")
    with pytest.raises(UsageError, match=r"b.txt: .* or give --format frame-text"):
        sources.read()
    made = sources.read(form="frame-text", fps=1)
    assert spans(made) == {
        "a.mp4": [(0, 2, "cut")],
        "b.mp4": [(0, 1, "cut"), (1, 2, "mix")],
    }


@pytest.mark.parametrize(
    "text",
    ["1-30 SIL  \n31-40 pour_milk\n", "1,30,SIL,0\n31,40,pour_milk,3\n\n"],
    ids=["Breakfast", "50 Salads"],
)
def test_ranges_of_frames_count_from_1_and_include_the_last(sources: Sources, text: str) -> None:
    sources.file("P03_cam01_P03_milk.txt", text)
    sources.videos("P03/cam01/P03_milk.avi", "P04/cam01/P04_milk.avi")
    path = "P03/cam01/P03_milk.avi"
    assert spans(sources.read()) == {path: [(0, 30, "SIL"), (30, 40, "pour_milk")]}
    made = sources.read(fps=15, unlabelled=("SIL",))
    assert spans(made) == {path: [(2.0, pytest.approx(40 / 15), "pour_milk")]}
    assert made.videos[0].times is not None
    assert made.videos[0].times.unit == "seconds"
    assert made.left_out == {"segments whose label means unlabelled": {"SIL": 1}}


def test_a_range_from_0_or_of_another_form_is_refused(sources: Sources) -> None:
    sources.videos("a.avi")
    with pytest.raises(UsageError, match=r"a.txt:1: frame 0, and frames count from 1"):
        sources.read(sources.file("a.txt", "0-30 SIL\n"))
    with pytest.raises(UsageError, match=r"a.txt:2: '31 40 mix' is no line such as"):
        sources.read(sources.file("a.txt", "1-30 SIL\n31 40 mix\n"))


def test_a_table_of_frames_leaves_frames_without_a_line_unlabelled(sources: Sources) -> None:
    rows = "b,1,0\na,6,-1\na,8,-1\na,7,-1\na,10,-1\na,11,1\n"
    path = sources.file("labels.csv", "sequence,frame,label\n" + rows)
    sources.videos("a.mp4", "b.mp4")
    made = sources.read(path)
    assert spans(made) == {
        "a.mp4": [(5, 8, "-1"), (9, 10, "-1"), (10, 11, "1")],
        "b.mp4": [(0, 1, "0")],
    }
    assert made.classes == ["-1", "0", "1"]
    assert any("frames are taken to count from 1" in warning for warning in made.warnings)
    assert any("the class -1 is taken as a class" in warning for warning in made.warnings)


def test_the_first_frame_is_0_where_there_is_one_or_where_it_is_said(sources: Sources) -> None:
    sources.videos("a.mp4")
    path = sources.file("labels.csv", "video;frame;action\na;0;run\na;1;run\n")
    assert spans(sources.read(path)) == {"a.mp4": [(0, 2, "run")]}
    with pytest.raises(UsageError, match=r"labels.csv:2: frame 0, and --first-frame 1"):
        sources.read(path, first_frame=1)
    path = sources.file("labels.csv", "video;frame;action\na;4;run\n")
    assert spans(sources.read(path, first_frame=0)) == {"a.mp4": [(4, 5, "run")]}


def test_a_frame_with_two_lines_is_refused(sources: Sources) -> None:
    sources.videos("a.mp4")
    path = sources.file("labels.csv", "video,frame,label\na,1,run\na,2,run\na,1,sit\n")
    with pytest.raises(UsageError, match=r"labels.csv:4: frame 1 of its video stands in two lines"):
        sources.read(path)


ACTIVITYNET = {
    "o1": {"subset": "training", "annotations": [{"segment": [0.5, 2], "label": "Dodge, ball"}]},
    "o2": {
        "subset": "validation",
        "duration_second": 10.0,
        "duration_frame": 300,
        "annotations": [
            {"segment": [1.25, 3], "label": "Run"},
            {"segment": [4, 4], "label": "Run"},
            {"segment": [6, 5], "label": "Run"},
            {"segment": [-0.01, 1], "label": "Run"},
        ],
    },
    "o3": {"subset": "testing", "annotations": []},
}


@pytest.mark.parametrize("whole", [True, False], ids=["official", "videos on top"])
def test_activitynet(sources: Sources, whole: bool) -> None:
    content = {"version": "1.3", "database": ACTIVITYNET} if whole else ACTIVITYNET
    path = sources.file("a.json", "\ufeff" + json.dumps(content))
    sources.videos("v_o1.mp4", "v_o2.mkv", "sub/v_o3.mp4")
    made = sources.read(path)
    assert spans(made) == {
        "v_o1.mp4": [(0.5, 2.0, "Dodge, ball")],
        "v_o2.mkv": [(1.25, 3.0, "Run"), (0, 1.0, "Run")],
    }
    assert {video.path: video.split for video in made.videos} == {
        "v_o1.mp4": "train",
        "v_o2.mkv": "val",
    }
    assert made.left_out == {
        "segments that end before they start": {"o2": 1},
        "segments that end where they start": {"o2": 1},
        "videos without a segment": {"o3": 1},
    }
    assert "1 segments start before their videos, and are clipped to 0" in made.warnings
    written = {path.name: path.read_text() for path in write_lists(made, sources.root / "out")}
    assert written == {
        "train.csv": 'video,start,end,label\nv_o1.mp4,0.5,2,"Dodge, ball"\n',
        "val.csv": "video,start,end,label,fps\nv_o2.mkv,1.25,3,Run,30\nv_o2.mkv,0,1,Run,30\n",
        "classes.txt": "Dodge, ball\nRun\n",
    }


def test_other_data_sets_in_activitynet_s_form_name_subsets_and_rates_otherwise(
    sources: Sources,
) -> None:
    annotations = [{"segment": [1, 2], "segment(frames)": [30.0, 60.0], "label": "Run"}]
    video = {"subset": "Validation", "duration": 60.0, "fps": 29.97, "annotations": annotations}
    path = sources.file("thumos14.json", json.dumps({"database": {"video_1": video}}))
    sources.videos("video_1.mp4")
    (found,) = sources.read(path).videos
    assert found.times is not None
    assert (found.split, found.times.fps) == ("val", 29.97)
    video["subset"] = "holdout"
    path = sources.file("thumos14.json", json.dumps({"database": {"video_1": video}}))
    with pytest.raises(UsageError, match="the subset holdout of video_1 is none of training"):
        sources.read(path)


def test_activitynet_with_a_segment_of_another_form_is_refused(sources: Sources) -> None:
    wrong = {"o1": {"annotations": [{"segment": [1], "label": "Run"}]}}
    with pytest.raises(UsageError, match=r"a.json: o1 has no"):
        sources.read(sources.file("a.json", json.dumps(wrong)))


def test_thumos14_in_files_of_classes(sources: Sources) -> None:
    sources.file("Diving_val.txt", "video_validation_0000266  72.8 76.4\r\n")
    sources.file("Ambiguous_val.txt", "video_validation_0000266  80.0 81.0\r\n")
    sources.file("Diving_test.txt", "video_test_0000004 0.2 1.1\n")
    sources.file("README.txt", "read me first\n")
    sources.videos("video_validation_0000266.mp4", "video_test_0000004.mp4")
    made = sources.read()
    assert spans(made) == {
        "video_validation_0000266.mp4": [(80.0, 81.0, "Ambiguous"), (72.8, 76.4, "Diving")],
        "video_test_0000004.mp4": [(0.2, 1.1, "Diving")],
    }
    assert {video.path: video.split for video in made.videos} == {
        "video_validation_0000266.mp4": "train",
        "video_test_0000004.mp4": "test",
    }
    assert made.left_out == {"files that are no annotation of this form": {"in": 1}}
    assert any("--unlabelled Ambiguous" in warning for warning in made.warnings)


def test_thumos14_as_a_table_has_times_and_tells_the_rate(sources: Sources) -> None:
    header = "video,type,type_idx,start,end,startFrame,endFrame\n"
    row = "video_validation_0000051,Billiards,12,67.5,75.9,2025,2277\n"
    sources.videos("video_validation_0000051.mp4")
    (video,) = sources.read(sources.file("t.csv", header + row)).videos
    assert video.times is not None
    assert (video.times.unit, video.times.fps) == ("seconds", 30.0)
    assert [tuple(span) for span in video.times.spans] == [(67.5, 75.9, "Billiards")]


EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,"
    "start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n"
    "P01_11_0,P01,P01_11,00:00:00.560,00:00:00.00,00:00:01.89,1,113,take plate,take,0,plate,2,"
    "['plate'],[2]\n"
    'P01_11_1,P01,P01_11,00:00:01.700,00:01:01.56,00:01:02.45,3693,3747,"put down, plate",'
    "put-down,1,plate,2,\"['plate', 'cup']\",\"[2, 5]\"\n"
)


def test_epic_kitchens_has_verbs_and_nouns(sources: Sources) -> None:
    path = sources.file("EPIC_100_validation.csv", EPIC)
    sources.file(
        "EPIC_100_verb_classes.csv", "id,key,instances,category\n0,take,[],a\n1,put,[],a\n"
    )
    sources.videos("P01/P01_11.MP4")
    with pytest.raises(UsageError, match=r"verb, noun, verb\+noun; choose with --labels-from"):
        sources.read(path)
    made = sources.read(path, labels_from="verb")
    assert spans(made) == {"P01/P01_11.MP4": [(0.0, 1.89, "take"), (61.56, 62.45, "put")]}
    assert made.videos[0].split == "val"
    assert made.videos[0].times is not None
    assert made.videos[0].times.fps == 60.0
    made = sources.read(path, labels_from="verb+noun")
    assert made.classes == ["put 2", "take 2"]
    assert any("the noun classes are numbers" in warning for warning in made.warnings)


def test_charades_has_all_actions_in_one_field(sources: Sources) -> None:
    header = "id,subject,scene,quality,objects,descriptions,actions,length\n"
    rows = '46GP8,HR43,Kitchen,6,food,"A person, cooking",c092 11.90 21.20;c147 0.00 12.60,24.83\n'
    path = sources.file("Charades_v1_train.csv", header + rows + "N11GT,x,y,1,,z,,18.33\n")
    sources.videos("46GP8.mp4", "N11GT.mp4")
    made = sources.read(path)
    assert spans(made) == {"46GP8.mp4": [(11.9, 21.2, "c092"), (0.0, 12.6, "c147")]}
    assert made.left_out == {"videos without a segment": {"N11GT": 1}}
    assert {video.split for video in made.videos} == {"train"}
    sources.file("Charades_v1_classes.txt", "c092 Holding a cup\nc147 Sitting\n")
    assert sources.read(path).classes == ["Holding a cup", "Sitting"]
    path = sources.file("Charades_v1_test.csv", header + "46GP8,x,y,6,a,b,c092 11.90,24.83\n")
    with pytest.raises(UsageError, match=r"test.csv:2: 'c092 11.90' is no action"):
        sources.read(path)


def test_ucf101_24_counts_from_1_and_includes_the_last(sources: Sources) -> None:
    rows = "Basketball/v_Basketball_g01_c01.avi,Basketball,141,9,52\n"
    path = sources.file("s.csv", "video,label,num_frames,start_frame,end_frame\n" + rows)
    sources.videos("v_Basketball_g01_c01.avi")
    assert spans(sources.read(path)) == {"v_Basketball_g01_c01.avi": [(8, 52, "Basketball")]}


def label_studio(*annotations: dict[str, Any], video: str) -> dict[str, Any]:
    return {"id": 1, "data": {"video": video, "note": "n"}, "annotations": list(annotations)}


def timeline(start: int, end: int, *labels: str, **more: float) -> dict[str, Any]:
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": list(labels), **more}
    return {"type": "timelinelabels", "from_name": "t", "to_name": "video", "value": value}


def test_label_studio(sources: Sources) -> None:
    box = {"type": "videorectangle", "value": {"sequence": [], "labels": ["Hand"]}}
    tasks = [
        label_studio(
            {"result": [timeline(1, 5, "Wash"), box, timeline(6, 6, "Dry", "Off")]},
            {"was_cancelled": True, "result": [timeline(1, 9, "Wrong")]},
            video="/data/upload/1/3b5f7a1c-my clip.mp4",
        ),
        label_studio(
            {"result": [timeline(3, 5, "Wash", framesCount=250, duration=10.0)]},
            video="/data/local-files/?d=cams/b.mp4",
        ),
    ]
    path = sources.file("export.json", json.dumps(tasks))
    sources.videos("my clip.mp4", "cams/b.mp4")
    made = sources.read(path)
    assert spans(made) == {
        "my clip.mp4": [(0, 5, "Wash"), (5, 6, "Dry"), (5, 6, "Off")],
        "cams/b.mp4": [(2, 5, "Wash")],
    }
    assert [video.times.fps for video in made.videos if video.times] == [None, 25.0]
    assert made.left_out == {
        "cancelled annotations": {"export.json": 1},
        "results of the type videorectangle": {"export.json": 1},
    }
    assert any("--annotation-fps 24" in warning for warning in made.warnings)


def test_label_studio_with_two_annotations_of_a_task_is_refused(sources: Sources) -> None:
    one = {"result": [timeline(1, 5, "Wash")]}
    path = sources.file("e.json", json.dumps([label_studio(one, one, video="a.mp4")]))
    with pytest.raises(UsageError, match=r"a.mp4 has 2 annotations; keep one"):
        sources.read(path)


def via(*marks: dict[str, Any], types: tuple[int, int] = (4, 4)) -> str:
    options = {"0": "wash", "1": "dry"}
    anchor = {"anchor_id": "FILE1_Z2_XY0", "default_option_id": "", "desc": ""}
    project = {
        "project": {"pid": "p", "data_format_version": "3.1.1", "vid_list": ["1", "2"]},
        "config": {},
        "attribute": {
            "1": {"aname": "step", "type": 4, "options": options, **anchor},
            "2": {"aname": "who", "type": 1, "options": {}, **anchor},
        },
        "file": {
            "1": {"fid": "1", "fname": "a.mp4", "type": types[0], "loc": 1, "src": ""},
            "2": {"fid": "2", "fname": "b.mp4", "type": types[1], "loc": 1, "src": ""},
        },
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
        "metadata": {f"1_{number}": {"flg": 0, **mark} for number, mark in enumerate(marks)},
    }
    return json.dumps(project)


def test_via3(sources: Sources) -> None:
    text = via(
        {"vid": "1", "z": [7.2, 11.6], "xy": [], "av": {"1": "0"}},
        {"vid": "1", "z": [11.6, 12.0], "xy": [], "av": {"1": "rinse"}},
        {"vid": "1", "z": [8.3], "xy": [2, 10, 20, 40, 50], "av": {"1": "0"}},
        {"vid": "1", "z": [1, 2], "xy": [], "av": {"1": "0"}, "flg": 1},
        {"vid": "2", "z": [1, 2], "xy": [], "av": {"1": "1"}},
        types=(4, 8),
    )
    sources.videos("a.mp4")
    made = sources.read(sources.file("p.json", text))
    assert spans(made) == {"a.mp4": [(7.2, 11.6, "wash"), (11.6, 12.0, "rinse")]}
    assert made.left_out == {
        "marks that are no segments": {"p.json": 2},
        "segments of files that are no videos": {"p.json": 1},
    }


def test_via3_with_several_attributes_needs_to_know_which(sources: Sources) -> None:
    mark = {"vid": "1", "z": [1, 2], "xy": [], "av": {"1": "1", "2": "Ann"}}
    path = sources.file("p.json", via(mark))
    sources.videos("a.mp4")
    with pytest.raises(UsageError, match=r"2 attributes of segments: step, who; choose"):
        sources.read(path)
    assert spans(sources.read(path, labels_from="who")) == {"a.mp4": [(1.0, 2.0, "Ann")]}


AGGREGATED = (
    "Observation id\tObservation date\tMedia file\tTotal length\tFPS\tSubject\tBehavior\t"
    "Behavioral category\tBehavior type\tStart (s)\tStop (s)\tDuration (s)\n"
)
TABULAR = "Observation id,Media file name,FPS,Subject,Behavior,Behavior type,Time\n"


def test_boris_aggregated(sources: Sources) -> None:
    rows = (
        "o1\td\tC:\\films\\a.mp4\t60\t25.0\tNo focal subject\teat\t\tSTATE\t1.800\t8.125\t6.325\n"
        "o1\td\tC:\\films\\a.mp4\t60\t25.0\tNo focal subject\tbite\t\tPOINT\t2.5\t2.5\tNA\n"
    )
    sources.videos("sub/a.mp4")
    made = sources.read(sources.file("b.tsv", AGGREGATED + rows))
    assert spans(made) == {"sub/a.mp4": [(1.8, 8.125, "eat")]}
    assert made.videos[0].times is not None
    assert made.videos[0].times.fps == 25.0
    assert made.left_out == {"point events (they have no duration)": {"b.tsv": 1}}


def test_boris_tabular(sources: Sources) -> None:
    rows = (
        "o1,a.mp4,25,,eat,START,1.5\no1,a.mp4,25,,rest,START,2\no1,a.mp4,25,,bite,POINT,2\n"
        "o1,a.mp4,25,,eat,STOP,3\no1,a.mp4,25,,rest,STOP,4\n"
    )
    sources.videos("a.mp4")
    made = sources.read(sources.file("b.csv", TABULAR + rows))
    assert spans(made) == {"a.mp4": [(1.5, 3.0, "eat"), (2.0, 4.0, "rest")]}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("o1,a.mp4,25,,eat,START,1.5\n", "b.csv:2: eat starts here and has no STOP"),
        ("o1,a.mp4,25,,eat,STOP,1.5\n", "b.csv:2: STOP of eat"),
        ("o1,a.mp4,25,,x,POINT,1\no1,b.mp4,25,,x,POINT,70\n", "o1 has several videos"),
        ("o1,a.mp4,25,,x,POINT,1\no2,a.mp4,25,,x,POINT,2\n", "a.mp4 has several observations"),
        ("o1,a.mp4;b.mp4,25,,x,POINT,1\n", "an event must belong to one video"),
    ],
)
def test_boris_is_refused_where_it_would_be_read_wrongly(
    sources: Sources, rows: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        sources.read(sources.file("b.csv", TABULAR + rows))


EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/my%20clip.mp4" MIME_TYPE="video/mp4"{origin}/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1750"/>
    <TIME_SLOT TIME_SLOT_ID="ts3"/>
  </TIME_ORDER>
  <TIER LINGUISTIC_TYPE_REF="t" TIER_ID="steps">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>wash &amp; dry</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE>off</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  {more}
</ANNOTATION_DOCUMENT>
"""
TIER = """<TIER TIER_ID="who">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>Ann</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>"""


def test_elan(sources: Sources) -> None:
    sources.videos("my clip.mp4")
    path = sources.file("x.eaf", EAF.format(origin="", more=""))
    made = sources.read(path)
    assert spans(made) == {"my clip.mp4": [(0.5, 1.75, "wash & dry")]}
    assert made.left_out == {"annotations without a time": {"x.eaf": 1}}
    path = sources.file("x.eaf", EAF.format(origin="", more=TIER))
    with pytest.raises(UsageError, match=r"2 tiers: steps, who; choose with --labels-from"):
        sources.read(path)
    assert spans(sources.read(path, labels_from="who")) == {"my clip.mp4": [(0.5, 1.75, "Ann")]}


def test_elan_with_an_offset_or_with_entities_is_refused(sources: Sources) -> None:
    sources.videos("my clip.mp4")
    path = sources.file("x.eaf", EAF.format(origin=' TIME_ORIGIN="40"', more=""))
    with pytest.raises(UsageError, match=r"offset of 40 ms"):
        sources.read(path)
    bomb = EAF.format(origin="", more="").replace(
        "<ANNOTATION_DOCUMENT", '<!DOCTYPE d [<!ENTITY e "x">]>\n<ANNOTATION_DOCUMENT', 1
    )
    with pytest.raises(UsageError, match=r"declares a document type"):
        sources.read(sources.file("x.eaf", bomb))


def test_elan_text(sources: Sources) -> None:
    header = "Begin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tDuration - hh:mm:ss.ms\tsteps\n"
    path = sources.file("a.txt", header + "00:00:01.500\t00:01:02.250\t00:01:00.750\twash\n")
    sources.videos("a.mp4")
    assert spans(sources.read(path)) == {"a.mp4": [(1.5, 62.25, "wash")]}


def test_change_points_last_to_the_next_and_the_last_one_to_the_end(
    sources: Sources, write_video: WriteVideo
) -> None:
    write_video("videos/a.mp4", frames=17)
    path = sources.file("a.csv", "frame,phase\n0,prepare\n2,prepare\n4,cut\n9,prepare\n")
    assert spans(sources.read(path)) == {
        "a.mp4": [(0, 4, "prepare"), (4, 9, "cut"), (9, 17, "prepare")]
    }
    with pytest.raises(UsageError, match=r"lasts to the end, which the file tells"):
        sources.read(path, fps=25)
    path = sources.file("a.csv", "frame,phase\n4,prepare\n4,cut\n")
    with pytest.raises(UsageError, match=r"a.csv:3: frame 4 follows 4"):
        sources.read(path)


def test_a_table_with_a_phase_for_each_frame_reads_the_same(sources: Sources) -> None:
    rows = "".join(f"{n}\t{'Preparation' if n < 3 else 'Calot'}\n" for n in range(12))
    sources.videos("video01.mp4")
    path = sources.file("video01.txt", "Frame\tPhase\n" + rows)
    assert spans(sources.read(path)) == {"video01.mp4": [(0, 3, "Preparation"), (3, 12, "Calot")]}


def test_the_clock_of_50_salads_is_refused_in_words(sources: Sources) -> None:
    path = sources.file("01-1.txt", "53704269 268768513 cut_and_mix_ingredients\r\n")
    with pytest.raises(UsageError, match=r"recording device's clock"):
        sources.read(path)


def test_a_list_of_segments_is_divided_anew(sources: Sources) -> None:
    rows = "".join(f"p{p}/c{c}.mp4,0,{c + 1},{'ab'[c]}\n" for p in range(4) for c in range(2))
    path = sources.file("all.csv", "video,start,end,label\n" + rows)
    sources.videos(*(f"p{p}/c{c}.mp4" for p in range(4) for c in range(2)))
    made = make_lists(
        path, videos=sources.root / "videos", test_fraction=0.25, group_pattern="^p[0-9]"
    )
    tested = {video.path for video in made.videos if video.split == "test"}
    assert len(tested) == 2
    assert len({path[:2] for path in tested}) == 1
    folds = make_folds(path, videos=sources.root / "videos", group_pattern="^p[0-9]")
    assert len(folds.folds) == 4
    names = [path.name for path in write_folds(folds, sources.root / "out")]
    assert names == ["train.csv", "test.csv", "classes.txt"] * 4


def test_folds_share_all_classes_of_videos_not_only_the_longest(sources: Sources) -> None:
    rows = "".join(
        f"v{n},0,9,long\n" + (f"v{n},9,10,rare\n" if n % 3 == 0 else "") for n in range(12)
    )
    path = sources.file("all.csv", "video,start,end,label\n" + rows)
    sources.videos(*(f"v{n}.mp4" for n in range(12)))
    folds = make_folds(path, videos=sources.root / "videos", folds=4)
    rare = [
        sum("rare" in video.classes for video in fold.videos if video.split == "test")
        for fold in folds.folds.values()
    ]
    assert rare == [1, 1, 1, 1]


@pytest.mark.parametrize("fraction", [None, 0.5])
def test_splits_of_an_annotation_are_kept(sources: Sources, fraction: float | None) -> None:
    path = sources.file("a.json", json.dumps(ACTIVITYNET))
    sources.videos("v_o1.mp4", "v_o2.mp4", "v_o3.mp4")
    made = make_lists(path, videos=sources.root / "videos", val_fraction=fraction)
    assert (made.count("train"), made.count("val")) == (1, 1)
    told = any("--val-fraction is not used" in warning for warning in made.warnings)
    assert told == (fraction is not None)
    with pytest.raises(UsageError, match=r"has splits of its own"):
        make_folds(path, videos=sources.root / "videos", folds=2)


def test_missing_videos_are_an_error_unless_present(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\na,1,run\nb,1,sit\n")
    sources.videos("a.mp4")
    with pytest.raises(UsageError, match=r"1 of 2 videos are not under .*: b; .*or give --present"):
        sources.read(path)
    made = sources.read(path, present=True)
    assert spans(made) == {"a.mp4": [(0, 1, "run")]}
    assert (made.absent, made.classes) == (1, ["run"])
    with pytest.raises(UsageError, match=r"give --videos FOLDER"):
        make_lists(path)


def test_several_files_that_fit_a_name_are_refused(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\na,1,run\n")
    sources.videos("x/a.mp4", "y/a.avi")
    with pytest.raises(UsageError, match=r"a may be any of 2 videos"):
        sources.read(path)
    path = sources.file("l.csv", "video,frame,label\nx\\a.mp4,1,run\n")
    assert spans(sources.read(path)) == {"x/a.mp4": [(0, 1, "run")]}


def test_a_name_with_another_folder_is_another_video(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\nx/a.mp4,1,run\n")
    sources.videos("y/a.mp4")
    with pytest.raises(UsageError, match=r"1 of 1 videos are not under"):
        sources.read(path)


def test_two_names_of_one_file_are_refused(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\na,1,run\na.mp4,2,run\n")
    sources.videos("a.mp4")
    with pytest.raises(UsageError, match=r"both fit a.mp4"):
        sources.read(path)


def test_an_unknown_form_or_label_is_refused_with_the_known_ones(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\na,1,run\n")
    sources.videos("a.mp4")
    with pytest.raises(UsageError, match=r"--format elam is none of .*did you mean 'elan'"):
        sources.read(path, form="elam")
    with pytest.raises(
        UsageError, match=r"l.csv is not of the form boris \(columns: .*\): BORIS's"
    ):
        sources.read(path, form="boris")
    with pytest.raises(UsageError, match=r"--unlabelled sit is no label of .* which has run"):
        sources.read(path, unlabelled=("sit",))
    with pytest.raises(UsageError, match=r"has none of the forms .*change-points"):
        sources.read(sources.file("x.dat", "?"))


def test_a_folder_of_several_forms_is_refused(sources: Sources) -> None:
    sources.file("l.csv", "video,frame,label\na,1,run\n")
    sources.file("a.json", json.dumps(ACTIVITYNET))
    with pytest.raises(UsageError, match=r"may have several forms: activitynet .*, frame-table"):
        sources.read()


def test_a_video_is_no_annotation_and_is_not_read(sources: Sources) -> None:
    sources.videos("a.mp4")
    with pytest.raises(UsageError, match=r"a.mp4 is a video by its name"):
        sources.read(sources.root / "videos/a.mp4")


def test_a_rate_is_refused_where_the_annotation_is_in_seconds(sources: Sources) -> None:
    path = sources.file("a.json", json.dumps(ACTIVITYNET))
    sources.videos("v_o1.mp4", "v_o2.mp4", "v_o3.mp4")
    with pytest.raises(UsageError, match=r"is in seconds, and --annotation-fps is for frames"):
        sources.read(path, fps=25)


def test_text_that_is_not_utf_8_is_refused(sources: Sources) -> None:
    path = sources.file("l.csv", "video,frame,label\na,1,K\xfcche\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"l.csv:2: this is no UTF-8"):
        sources.read(path, form="frame-table")


def test_a_file_that_is_not_like_the_others_of_a_folder_is_refused(sources: Sources) -> None:
    sources.file("a.txt", "cut\ncut\nmix\nmix\n")
    sources.videos("a.mp4", "b.mp4")
    other = sources.file("b.txt", "cut\nmix\nserve\n")
    with pytest.raises(UsageError, match=r"b.txt: this file is not of the form frame-text"):
        sources.read()
    other.write_bytes("K\xfcche\n".encode("latin-1") * 4)
    with pytest.raises(UsageError, match=r"b.txt:1: this is no UTF-8"):
        sources.read()


def test_a_label_that_no_list_can_hold_is_refused(sources: Sources) -> None:
    task = label_studio({"result": [timeline(1, 5, "two\nlines")]}, video="a.mp4")
    sources.videos("a.mp4")
    made = sources.read(sources.file("e.json", json.dumps([task])))
    with pytest.raises(UsageError, match=r"no line of a list can hold a.mp4"):
        write_lists(made, sources.root / "out")


def test_options_for_annotations_are_refused_for_class_folders(sources: Sources) -> None:
    sources.videos("run/a.mp4", "sit/b.mp4")
    with pytest.raises(UsageError, match=r"is no annotation by its files"):
        make_lists(
            sources.root / "videos", test_fraction=0, annotation=AnnotationOptions(first_frame=1)
        )


def test_json_that_names_a_video_twice_is_refused(sources: Sources) -> None:
    one = '"o1": {"annotations": [{"segment": [0, 1], "label": "Run"}]}'
    path = sources.file("a.json", f'{{"database": {{{one}, {one}}}}}')
    with pytest.raises(UsageError, match=r"a.json: o1 stands twice in one object"):
        sources.read(path)


def parts(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all parts of a JSON content."""
    keys = content if isinstance(content, dict) else range(len(content))
    here = [(*at, key) for key in keys]
    below = [
        parts(content[key], (*at, key)) for key in keys if isinstance(content[key], dict | list)
    ]
    return here + [place for found in below for place in found]


CONTENTS: list[Any] = [
    {"database": ACTIVITYNET},
    [label_studio({"result": [timeline(1, 5, "Wash", framesCount=9, duration=1)]}, video="a.mp4")],
    json.loads(via({"vid": "1", "z": [7.2, 11.6], "xy": [], "av": {"1": "0"}})),
]


@pytest.mark.parametrize("content", CONTENTS, ids=["activitynet", "label-studio", "via3"])
@pytest.mark.parametrize("odd", [None, 7, -1.5, "x", [], {}, [[]], True], ids=repr)
def test_json_with_an_odd_part_is_read_or_refused_in_words(
    sources: Sources, content: Any, odd: Any
) -> None:
    sources.videos("v_o1.mp4", "v_o2.mp4", "v_o3.mp4", "a.mp4", "b.mp4")
    for place in parts(content):
        changed = json.loads(json.dumps(content))
        part = changed
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = odd
        path = sources.file("a.json", json.dumps(changed))
        with suppress(UsageError):
            assert sources.read(path).in_time


DATA = os.environ.get("LRCN_REAL_VIDEOS", os.devnull)
DETECTION = Path(DATA) / "detection"
UR_FALL = Path(DATA).parent / "urfall"
real = pytest.mark.skipif(not DETECTION.is_dir(), reason="LRCN_REAL_VIDEOS names no annotations")


def converted(source: Path, out: Path, *, videos: Path, **more: Any) -> MadeLists:
    """Lists of a real annotation, which read back as they were made."""
    options = AnnotationOptions(labels_from=more.pop("labels_from", None))
    made = make_lists(source, videos=videos, annotation=options, **more)
    paths = {path.stem: path for path in write_lists(made, out)}
    read = read_lists(
        {split: path for split, path in paths.items() if split != "classes"},
        root=videos,
        classes=paths["classes"],
        allow_leakage=True,
    )
    assert read.classes == made.classes
    segments = [s for entry in read.entries if entry.times for s in entry.times.segments]
    assert len(segments) == sum(len(v.times.spans) for v in made.videos if v.times)
    return made


def empty_videos(folder: Path, names: set[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / f"{name}.mp4").touch()
    return folder


@real
def test_real_ucf101_24(tmp_path: Path) -> None:
    source = DETECTION / "ucf101_24/segments.csv"
    made = converted(source, tmp_path, videos=Path(DATA) / "actions", present=True)
    assert (len(made.videos), made.absent) == (29, 3165)
    basketball = spans(made)["Basketball/v_Basketball_g01_c04.avi"]
    assert basketball == [(30, 63, "Basketball")]


@real
def test_real_activitynet(tmp_path: Path) -> None:
    folder = DETECTION / "activitynet"
    made = converted(
        folder / "annotations.json",
        tmp_path,
        videos=folder / "videos",
        present=True,
        allow_one_class=True,
    )
    assert list(spans(made)) == ["v_GGSY1Qvo990.mp4"]
    assert made.videos[0].split == "val"


@real
def test_real_thumos14(tmp_path: Path) -> None:
    source = DETECTION / "thumos14/val_Annotation.csv"
    names = {line.split(",")[0] for line in source.read_text().splitlines()[1:]}
    made = converted(source, tmp_path / "out", videos=empty_videos(tmp_path / "videos", names))
    assert len(made.videos) == len(names)
    assert sum(map(len, spans(made).values())) == 3096
    assert {video.times.fps for video in made.videos if video.times} <= {24.0, 25.0, 30.0, None}


@real
def test_real_epic_kitchens(tmp_path: Path) -> None:
    source = DETECTION / "epic_kitchens/EPIC_100_validation.first1500.csv"
    names = {line.split(",")[2] for line in source.read_text().splitlines()[1:]}
    videos = empty_videos(tmp_path / "videos", names)
    made = converted(source, tmp_path / "out", videos=videos, labels_from="verb")
    assert sum(map(len, spans(made).values())) == 1500
    assert {video.split for video in made.videos} == {"val"}
    assert "take" in made.classes


@real
def test_real_50_salads(tmp_path: Path) -> None:
    source = DETECTION / "50salads/frame_labels"
    videos = empty_videos(tmp_path / "videos", {path.stem for path in source.iterdir()})
    made = converted(source, tmp_path / "out", videos=videos)
    assert len(made.videos) == 10
    assert spans(made)["rgb-01-1.mp4"][0] == (0, 603, "action_start")
    with pytest.raises(UsageError, match=r"recording device's clock"):
        make_lists(DETECTION / "50salads/activity_annotation", videos=videos)


@pytest.mark.skipif(not UR_FALL.is_dir(), reason="no UR Fall beside LRCN_REAL_VIDEOS")
def test_real_ur_fall(tmp_path: Path) -> None:
    folder = UR_FALL
    made = converted(folder / "labels.csv", tmp_path, videos=folder)
    assert (len(made.videos), made.classes) == (56, ["-1", "0", "1"])


def test_all_forms_are_described_where_users_look() -> None:
    text = (Path(__file__).parents[3] / "docs/annotations.md").read_text()
    assert [name for name in FORMATS if f"`{name}`" not in text] == []
