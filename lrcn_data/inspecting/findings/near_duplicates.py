"""Clips that look like one of another split, so that what is tested on has been trained on.

What is alike may be the same video, coded anew, or another part of the same recording; or only the
same place before the same camera, which the pictures don't tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from lrcn_data.inspecting.findings.finding_kind import ClipView, FindingKind, Hit, luma_of
from lrcn_data.inspecting.findings.picture_hash import BITS, picture_hash
from lrcn_data.splits import SPLITS

FRAMES = 3
"""How many frames of each clip are compared: the first, the middle and the last real one."""

MOST_BITS = 10.0
"""The largest number of bits, of 64, in which the frames of two clips may differ on average.

It is the limit that Krawetz gives for variations of one picture. On 204 UCF-101 clips the nearest
two of different recordings differ in 15, and halves of one recording in 2 to 10."""

_ROWS = 256
"""How many clips are compared at a time with all others of another split."""

Hashes = npt.NDArray[np.bool_]


class NearDuplicates(FindingKind[Hashes]):
    """Compares hashes of the clips of each two splits."""

    name = "near-duplicates"
    title = "Like a clip of another split"
    meaning = (
        "the first, middle and last frame differ from those of a clip in another split in at most"
        " 10 of 64 bits (dHash) on average: the same video coded anew, another part of the same"
        " recording, or the same camera before the same place"
    )

    def look(self, clip: ClipView) -> Hashes | None:
        """The hashes of a clip's frames, bool (192,); None where a frame has nothing on it."""
        luma = luma_of(clip)
        frames = np.linspace(0, len(luma) - 1, FRAMES).round().astype(int)
        hashes = [bits for frame in frames if (bits := picture_hash(luma[frame])) is not None]
        return np.concatenate(hashes) if len(hashes) == FRAMES else None

    def judge(self, seen: Mapping[int, Hashes], splits: Sequence[str]) -> list[Hit]:
        """Name the clips of the later of two splits, each with the one that is most like it."""
        of_split = {
            split: [number for number in seen if splits[number] == split] for split in SPLITS
        }
        hits: dict[int, Hit] = {}
        for one, other in combinations(SPLITS, 2):
            for number, like, bits in _nearest(seen, of_split[other], of_split[one]):
                if number not in hits or -bits > hits[number].weight:
                    hits[number] = Hit(
                        sample=number,
                        like=like,
                        detail=f"like one of {one}, {bits:.3g} of {BITS} bits differ",
                        weight=-bits,
                    )
        return [hits[number] for number in sorted(hits)]


def _nearest(
    seen: Mapping[int, Hashes], numbers: Sequence[int], others: Sequence[int]
) -> list[tuple[int, int, float]]:
    """Find the clips that have a near one among others, with that one and its distance in bits.

    All are compared with all, by a product of matrices of -1 and 1: 2.1e9 pairs, of 100,000 clips,
    take half a minute on one core.
    """
    if not (numbers and others):
        return []
    found = []
    signs = _signs(seen, others).T
    length = len(signs)
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        products = _signs(seen, part) @ signs
        nearest = products.argmax(axis=1).tolist()
        # where a bit is the same the product has one more, else one less
        bits = (length - products.max(axis=1)) / 2 / FRAMES
        found += [
            (number, others[like], distance)
            for number, like, distance in zip(part, nearest, bits.tolist(), strict=True)
            if distance <= MOST_BITS
        ]
    return found


def _signs(seen: Mapping[int, Hashes], numbers: Sequence[int]) -> npt.NDArray[np.float32]:
    """Hashes as -1 and 1, float32 (clips, bits)."""
    signs: npt.NDArray[np.float32] = np.stack([seen[number] for number in numbers]) * np.float32(2)
    return signs - 1
