"""Puts the frames of a video together as they are read: pieces for the CNN, clips for the head.

The CNN sees each frame once, however many clips it is in; unless it sees differences to the frame
before as well, which is another one, or none, in another clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrcn_model.predicting.clip_plan import PlannedClip, VideoPlan
from lrcn_model.predicting.read_ahead import wanted_positions
from lrcn_model.predicting.stored_frames import MOST_FRAMES, StoredFrame


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Frames that the CNN has not seen yet.

    Attributes:
        positions: Their positions in the fps stream.
        frames: The frames.
        completes: The numbers of the clips of which these are the last ones.
    """

    positions: Sequence[int]
    frames: Sequence[StoredFrame]
    completes: Sequence[int]


class ClipPieces:
    """The pieces of one video.

    Args:
        plan: What is scored of it.
        clip_by_clip: Whether a piece is always a whole clip.
    """

    def __init__(self, plan: VideoPlan, *, clip_by_clip: bool = False) -> None:
        self._clip_by_clip = clip_by_clip
        self._clips = plan.clips
        self._needed_from = plan.needed_from() if plan.clips else []
        self._wanted = iter(wanted_positions(plan))
        self._read: dict[int, StoredFrame] = {}
        self._seen: set[int] = set()
        self._features: dict[int, Tensor] = {}
        self._current = -1
        self._new: list[int] = []
        self._go_on()

    def add(self, frame: StoredFrame, times: int) -> Iterator[Piece]:
        """Take the next frame that the plan wants.

        Args:
            frame: The frame.
            times: The number of positions in a row that it has.

        Yields:
            The pieces that are complete with it.
        """
        for _ in range(times):
            self._read[next(self._wanted)] = frame
        yield from self._pieces()

    def add_features(
        self, piece: Piece, features_VTF: Tensor
    ) -> Iterator[tuple[PlannedClip, Tensor, int]]:
        """Take what the CNN has made of a piece; pieces come in their order.

        Args:
            piece: The piece.
            features_VTF: Its features in each view, float (views, frames, features).

        Yields:
            Each clip that is complete with it, its features, float (views, frames, features), and
            the first frame of the fps stream that a later clip is of.
        """
        if self._clip_by_clip:
            # a frame that a clip repeats has other features where it comes again
            [number] = piece.completes
            yield self._clips[number], features_VTF, self._needed_from[number]
            return
        self._features.update(zip(piece.positions, features_VTF.unbind(1), strict=True))
        for number in piece.completes:
            clip, needed_from = self._clips[number], self._needed_from[number]
            yield clip, torch.stack([self._features[p] for p in clip.positions], 1), needed_from
            for position in [p for p in self._features if p < needed_from]:
                del self._features[position]

    def _pieces(self) -> Iterator[Piece]:
        while self._new:
            most = len(self._new) if self._clip_by_clip else min(len(self._new), MOST_FRAMES)
            ready = 0
            while ready < most and self._new[ready] in self._read:
                ready += 1
            if ready < most:
                return
            positions, self._new = self._new[:ready], self._new[ready:]
            frames = [self._read[position] for position in positions]
            self._forget(positions)
            self._seen.update(positions)
            completes = [] if self._new else self._go_on()
            yield Piece(positions=positions, frames=frames, completes=completes)

    def _forget(self, positions: Sequence[int]) -> None:
        """Let go of frames that no later piece has, of those of a piece."""
        if self._clip_by_clip:
            needed_from = self._needed_from[self._current]
            done = {position for position in positions if position < needed_from}
        else:
            done = set(positions) - set(self._new)
        for position in done:
            self._read.pop(position, None)

    def _go_on(self) -> list[int]:
        """Go on to the next clip with frames that are new; the numbers of those that end here."""
        ended = [] if self._current < 0 else [self._current]
        while not self._new and self._current + 1 < len(self._clips):
            self._current += 1
            positions = self._clips[self._current].positions
            # as often as they are in the clip, which the CNN saw so in training
            self._new = [
                position
                for position in positions
                if self._clip_by_clip or position not in self._seen
            ]
            if not self._new:
                ended.append(self._current)
        return ended
