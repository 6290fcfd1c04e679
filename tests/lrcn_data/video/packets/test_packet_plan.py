"""Which packets are decoded: decisions on made-up packets."""

from __future__ import annotations

import random

from lrcn_data.video.packets.packet_plan import PacketTable, delayed_frames

PLACEHOLDER = 7
PICTURE = 500


def table_of(sizes: list[int], pictures: list[int]) -> PacketTable:
    """A stream without pts."""
    dts: list[int | None] = list(range(len(sizes)))
    return PacketTable(sizes=sizes, pictures=pictures, dts=dts)


def packed_stream(rng: random.Random) -> tuple[PacketTable, list[tuple[int, bool]]]:
    """A stream as XviD packs it, and each picture's (packet, whether it is a B-frame)."""
    sizes, held, worked = [PICTURE], [1], [(0, False)]
    for _ in range(rng.randrange(1, 20)):
        b_frames = rng.randrange(0, 4)
        first = len(sizes)
        worked.append((first, False))
        sizes += [PICTURE] * max(1, b_frames)
        held += [2, *[1] * (b_frames - 1)] if b_frames else [1]
        worked += [(first + 1 + number, True) for number in range(b_frames)]
        if b_frames:
            sizes.append(PLACEHOLDER)
            held.append(1)
        elif rng.random() < 0.2:
            # a packet that shows nothing
            sizes.append(1)
            held.append(0)
    return table_of(sizes, held), worked


def handed_out(worked: list[tuple[int, bool]], packets: int) -> list[int]:
    """With which packets a decoder hands frames out: B-frames at once, others at the next one."""
    frames, waiting = [], False
    for packet, is_b in worked:
        if is_b or waiting:
            frames.append(packet)
        waiting = waiting or not is_b
    return [*frames, packets]


def test_frames_of_packed_streams_come_with_the_packets_that_the_decoder_works_on() -> None:
    rng = random.Random(0)
    for _ in range(2000):
        table, worked = packed_stream(rng)
        delayed = delayed_frames(table)
        assert delayed is not None
        assert delayed.packets == handed_out(worked, len(table))


def test_a_wanted_b_frame_needs_the_b_frames_that_its_packets_carried_over() -> None:
    # I | P+B | B | placeholder | P
    sizes = [PICTURE, PICTURE, PICTURE, PLACEHOLDER, PICTURE]
    delayed = delayed_frames(table_of(sizes, [1, 2, 1, 1, 1]))
    assert delayed is not None
    assert delayed.packets == [1, 2, 3, 4, 5]
    assert delayed.needed([2]) == {1, 2, 3}
    assert delayed.needed([1]) == {1, 2}
    assert delayed.needed([3]) == {4}
    assert delayed.needed([4]) == set()


def test_a_packet_with_more_pictures_than_a_decoder_carries_over_is_not_trusted() -> None:
    assert delayed_frames(table_of([PICTURE] * 3, [1, 3, 1])) is None
