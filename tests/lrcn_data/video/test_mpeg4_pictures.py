"""What the bytes of MPEG-4 pictures say, of pictures made up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrcn_data.video.mpeg4_pictures import PICTURE_START, intra_pictures

HEADER = b"\0\0\1\x20settings"
OTHER_HEADER = b"\0\0\1\x20other ones"
GROUP = b"\0\0\1\xb3"
TIME = b"abc"
INTRA, PREDICTED, BIDIRECTIONAL = 0, 1, 2


def picture(kind: int) -> bytes:
    return PICTURE_START + bytes((kind << 6 | 5,)) + b"and what it shows"


def intra(pictures: list[bytes]) -> list[int] | None:
    """`intra_pictures` of pictures that lie one after the other in a file."""
    content = b"a file" + b"".join(pictures)
    sizes = [len(data) for data in pictures]
    places = [len(b"a file") + sum(sizes[:number]) for number in range(len(sizes))]
    words = np.array([int.from_bytes(data[:8], "little") for data in pictures], np.uint64)
    return intra_pictures(lambda place, size: content[place : place + size], places, sizes, words)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"", HEADER, HEADER + GROUP + TIME, GROUP + TIME]),
            st.sampled_from([INTRA, PREDICTED]),
        ),
        max_size=20,
    )
)
def test_intra_pictures_are_found_with_and_without_what_comes_before_them(
    made: list[tuple[bytes, int]],
) -> None:
    first = HEADER + GROUP + TIME + picture(INTRA)
    pictures = [first, *(before + picture(kind) for before, kind in made)]
    expected = [0, *(number for number, (_, kind) in enumerate(made, 1) if kind == INTRA)]
    assert intra(pictures) == expected


def test_pictures_without_any_header_are_found() -> None:
    assert intra([picture(INTRA), picture(PREDICTED), GROUP + TIME + picture(INTRA)]) == [0, 2]


def test_a_header_that_the_first_picture_does_not_have_is_not_believed() -> None:
    assert intra([HEADER + picture(INTRA), OTHER_HEADER + picture(INTRA)]) is None
    assert intra([picture(INTRA), HEADER + picture(INTRA)]) is None


def test_a_bidirectional_picture_is_not_believed() -> None:
    assert intra([picture(INTRA), picture(BIDIRECTIONAL)]) is None
    assert intra([picture(INTRA), GROUP + TIME + picture(BIDIRECTIONAL)]) is None


def test_more_than_the_time_behind_the_start_of_a_group_is_not_believed() -> None:
    assert intra([GROUP + TIME + b"!" + picture(INTRA)]) is None


def test_a_chunk_without_a_picture_is_not_believed() -> None:
    assert intra([picture(INTRA), b"no picture in this"]) is None


def test_a_picture_start_that_ends_the_chunk_has_no_type() -> None:
    assert intra([picture(INTRA), b"no type" + PICTURE_START]) is None
