"""Frames of a video as they come make pieces for the CNN and clips for the head."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from lrcn_model.predicting.clip_pieces import ClipPieces
from lrcn_model.predicting.clip_plan import PlannedClip, VideoPlan
from lrcn_model.predicting.read_ahead import wanted_positions
from lrcn_model.predicting.stored_frames import MOST_FRAMES, StoredFrame


@st.composite
def plans(draw: st.DrawFn) -> VideoPlan:
    length = draw(st.integers(1, 200))
    positions = st.lists(st.integers(0, length - 1), min_size=1, max_size=90)
    clips = draw(st.lists(positions, min_size=1, max_size=6))
    clips = [one if draw(st.booleans()) else sorted(one) for one in clips]
    planned = [PlannedClip(positions=one, num_valid=len(one)) for one in clips]
    return VideoPlan(length=length, clips=sorted(planned, key=lambda clip: max(clip.positions)))


@given(plan=plans(), data=st.data())
def test_each_clip_gets_the_features_of_its_frames_and_the_cnn_sees_each_frame_for_one_clip_only(
    plan: VideoPlan, data: st.DataObject
) -> None:
    pieces = ClipPieces(plan)
    wanted = wanted_positions(plan)
    complete, of_clips, held = [], [], []
    while wanted:
        times = data.draw(st.integers(1, len(wanted)))
        taken, wanted = wanted[:times], wanted[times:]
        # a frame by itself tells its position; one that is several is that of the first
        for position in taken:
            frame = StoredFrame(str(position).encode(), 1, 1)
            for piece in pieces.add(frame, 1):
                assert 1 <= len(piece.frames) <= MOST_FRAMES
                assert [int(one.encoded) for one in piece.frames] == list(piece.positions)
                held.append(piece)
    for piece in held:
        own = torch.tensor(piece.positions)[None, :, None].float()
        for clip, features_VTF, needed_from in pieces.add_features(piece, own):
            assert features_VTF[0, :, 0].tolist() == list(clip.positions)
            complete.append(clip)
            of_clips.append(needed_from)
    of_clip: set[int] = set()
    seen = 0
    for piece in held:
        of_clip |= {*piece.positions}
        if piece.completes:
            seen += len(of_clip)
            of_clip = set()
    assert seen == len(wanted_positions(plan))
    assert complete == list(plan.clips)
    assert of_clips == plan.needed_from()


def test_a_frame_that_the_fps_stream_repeats_has_several_positions_in_a_row() -> None:
    clip = PlannedClip(positions=(0, 1, 2, 3), num_valid=4)
    pieces = ClipPieces(VideoPlan(length=4, clips=[clip]))
    assert list(pieces.add(StoredFrame(b"a", 1, 1), 3)) == []
    [piece] = pieces.add(StoredFrame(b"b", 1, 1), 1)
    assert [frame.encoded for frame in piece.frames] == [b"a", b"a", b"a", b"b"]
