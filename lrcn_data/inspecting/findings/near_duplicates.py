"""Clips that look like one of another split, so that what is tested on has been trained on.

What is alike may be the same video, coded anew, or another part of the same recording; or only the
same place before the same camera, which the pictures don't tell apart.

Of each clip the one that is most like it in the other split is sought by three frames. As sampling
draws frames, those of two copies of a video are not of the same times; so whether the two are
alike is then told by the three frames of either, whichever they are, that are most alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit, luma_of
from lrcn_data.inspecting.findings.picture_hash import BITS, picture_hash
from lrcn_data.splits import SPLITS

MOST_FRAMES = 8
"""The largest number of frames of a clip that are hashed, spread evenly."""

FRAMES = 3
"""How many frames are compared: of all clips the first, the middle and the last one, of those that
are nearest the most similar ones."""

MOST_BITS = 6.0
"""The largest number of bits, of 64, in which these frames of two clips may differ on average.

Of 40 UCF-101 clips that were scaled and coded anew (H.264, crf 30) 8 in 10 lie within it; the most
similar two of 204 clips, of different recordings, differ in 8."""

_ROWS = 256
"""How many clips are compared at a time with all others of another split."""

Hashes = npt.NDArray[np.bool_]


class NearDuplicates(FindingKind[Hashes]):
    """Compares hashes of the clips of each two splits."""

    name = "near-duplicates"
    title = "Like a clip of another split"
    meaning = (
        "three frames differ from three of a clip in another split in at most 6 of 64 bits (dHash)"
        " on average: the same video coded anew, another part of the same recording, or the same"
        " camera before the same place"
    )

    def look(self, clip: ClipView) -> Hashes | None:
        """The hashes of frames, bool (frames, 64); None where too few have anything on them."""
        luma = luma_of(clip)
        frames = np.linspace(0, len(luma) - 1, min(len(luma), MOST_FRAMES)).round().astype(int)
        hashes = [bits for frame in frames if (bits := picture_hash(luma[frame])) is not None]
        # a clip of fewer frames is compared by all that it has
        return np.stack(hashes) if len(hashes) >= min(FRAMES, len(luma)) else None

    def judge(self, seen: Mapping[int, Hashes], splits: Sequence[str]) -> list[Hit]:
        """Name the clips of the later of two splits, each with the one that is most like it."""
        of_split = {
            split: [number for number in seen if splits[number] == split] for split in SPLITS
        }
        hits: dict[int, Hit] = {}
        for one, other in combinations(SPLITS, 2):
            for number, like in _nearest(seen, of_split[other], of_split[one]):
                bits = _least_bits(seen[number], seen[like])
                if bits <= MOST_BITS and (number not in hits or -bits > hits[number].weight):
                    hits[number] = Hit(
                        sample=number,
                        like=like,
                        detail=f"like one of {one}, {bits:.3g} of {BITS} bits differ",
                        weight=-bits,
                    )
        return [hits[number] for number in sorted(hits)]


def _nearest(
    seen: Mapping[int, Hashes], numbers: Sequence[int], others: Sequence[int]
) -> list[tuple[int, int]]:
    """Find for each clip the nearest one among others, by their first, middle and last frames.

    All are compared with all, by a product of matrices of -1 and 1, which is the larger the more
    bits are the same: 2.1e9 pairs, of 100,000 clips, take 11 s on one core.
    """
    if not (numbers and others):
        return []
    signs = _signs(seen, others).T
    found: list[tuple[int, int]] = []
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        nearest = (_signs(seen, part) @ signs).argmax(axis=1).tolist()
        found += [(number, others[like]) for number, like in zip(part, nearest, strict=True)]
    return found


def _signs(seen: Mapping[int, Hashes], numbers: Sequence[int]) -> npt.NDArray[np.float32]:
    """The bits of the first, middle and last frames as -1 and 1, float32 (clips, 192)."""
    bits = np.stack([seen[n][[0, len(seen[n]) // 2, -1]].ravel() for n in numbers])
    signs: npt.NDArray[np.float32] = bits * np.float32(2) - 1
    return signs


def _least_bits(one: Hashes, other: Hashes) -> float:
    """In how many bits the most similar pairs of frames of two clips differ, on average."""
    bits = np.sort((one[:, None] != other[None]).sum(axis=2), axis=None)
    return float(bits[:FRAMES].mean())
