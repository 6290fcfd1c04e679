"""Clips decoded once and held in memory, as bytes, for all epochs (--cache host and device)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from lrcn_data.errors import UsageError
from lrcn_data.format.records import NO_CLASS
from lrcn_data.machine import free_memory
from lrcn_data.size import Size
from lrcn_model.nets.resize import resize
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.open_shards import scoring_batches
from lrcn_model.reading.shard_dataset import ShardDataset

_AT_A_TIME = 16
"""The number of clips that are decoded at a time."""

_ROOM = 0.8
"""The share of the free memory that clips may take."""

_CPU = Processor(device=torch.device("cpu"), amp_type=None)


class DecodedClips(Dataset[ClipBatch]):
    """The clips of shards by number, as `ShardDataset` has them, held in memory.

    Args:
        parts: Batches of all clips, in their order, with their pixels where they are to be held.
    """

    def __init__(self, parts: Sequence[ClipBatch]) -> None:
        self._frames = [frames for part in parts for frames in part.clip_frames()]
        self._facts = _facts(parts)

    def __len__(self) -> int:
        """The number of clips."""
        return len(self._frames)

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """A batch of several clips, in the order of the numbers given."""
        facts, numbers = self._facts, torch.tensor(indices)
        clips = [self._frames[number] for number in indices]
        longest = max(len(frames) for frames in clips)
        counts, positions, times = facts.frame_counts, facts.positions, facts.frame_times
        return ClipBatch(
            pixels=torch.cat([frames.flatten() for frames in clips]),
            sizes=facts.sizes[numbers],
            labels=facts.labels[numbers],
            frame_labels=facts.frame_labels[numbers, :longest],
            num_valid=facts.num_valid[numbers],
            indices=numbers,
            keys=tuple(facts.keys[number] for number in indices),
            videos=tuple(facts.videos[number] for number in indices),
            sources=tuple(facts.sources[number] for number in indices),
            channels=facts.channels,
            frame_counts=None if counts is None else counts[numbers],
            positions=None if positions is None else positions[numbers],
            frame_times=None if times is None else times[numbers, :longest],
        )


def decode_all(
    data: ShardDataset,
    *,
    size: Size | None,
    device: torch.device | None,
    workers: int,
    ranks: Ranks,
    on_clips: Callable[[int, int], None] = lambda done, clips: None,
    go_on: Callable[[], bool] = lambda: True,
) -> DecodedClips | None:
    """Decode every clip into memory; each of several processes does so for itself.

    Args:
        data: The clips.
        size: (width, height), in pixels, that frames are resized to; None for the size stored.
        device: The device in whose memory the pixels are held; None for this machine's memory.
        workers: The number of processes that read shards; 0 for reading in this process.
        ranks: The processes that train together.
        on_clips: Called with the number of clips that are decoded, and the number of all.
        go_on: Asked after every batch; False to stop.

    Returns:
        The clips; None where one of the processes was to stop.

    Raises:
        UsageError: The clips don't fit the memory.
        ShardError: A shard is damaged.
    """
    device = device or _CPU.device
    room = _room(device, ranks)
    batches = scoring_batches(
        data, batch_size=_AT_A_TIME, workers=workers, processor=_CPU, ranks=Ranks()
    )
    stored = sum(shard.entry.frames for shard in data.data_set.shards)
    frames = stored * data.seq_len // data.data_set.layout.seq_len
    parts, done, frames_done, held = list[ClipBatch](), 0, 0, 0
    with closing(batches):
        for batch in batches:
            # the batch's own memory is taken again by the one after the next
            part = _resized(batch, size) if size else replace(batch, pixels=batch.pixels.clone())
            parts.append(replace(part, pixels=part.pixels.to(device)))
            done, held = done + len(batch), held + part.pixels.nbytes
            frames_done += sum(len(clip) for clip in batch.clip_frames())
            _check_room(held * frames // frames_done, room, device, clips=len(data))
            on_clips(done, len(data))
            if not go_on():
                break
    if not all(ranks.gather(done == len(data))):
        return None
    return DecodedClips(parts)


def _resized(batch: ClipBatch, size: Size) -> ClipBatch:
    """The clips at another size, as `Preprocess` resizes them, in memory of their own."""
    width, height = size
    resized = [
        resize(frames.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1).flatten()
        for frames in batch.clip_frames()
    ]
    sizes = torch.tensor([[height, width]]).expand(len(batch), 2)
    return replace(batch, pixels=torch.cat(resized), sizes=sizes)


def _facts(parts: Sequence[ClipBatch]) -> ClipBatch:
    """All that is known of clips, in one batch without pixels."""

    def together(name: str) -> Tensor:
        return torch.cat([getattr(part, name) for part in parts])

    def together_if_there(name: str) -> Tensor | None:
        return None if getattr(parts[0], name) is None else together(name)

    frame_labels = [row for part in parts for row in part.frame_labels]
    frame_times = [row for p in parts if p.frame_times is not None for row in p.frame_times]
    return ClipBatch(
        pixels=torch.empty(0, dtype=torch.uint8),
        sizes=together("sizes"),
        labels=together("labels"),
        frame_labels=pad_sequence(frame_labels, batch_first=True, padding_value=NO_CLASS),
        num_valid=together("num_valid"),
        indices=together("indices"),
        keys=tuple(key for part in parts for key in part.keys),
        videos=tuple(video for part in parts for video in part.videos),
        sources=tuple(source for part in parts for source in part.sources),
        channels=parts[0].channels,
        frame_counts=together_if_there("frame_counts"),
        positions=together_if_there("positions"),
        frame_times=pad_sequence(frame_times, batch_first=True) if frame_times else None,
    )


def _room(device: torch.device, ranks: Ranks) -> float:
    """How many bytes of a device's memory this process may fill with clips."""
    if device.type == "cuda":
        return _ROOM * torch.cuda.mem_get_info(device)[0]
    return _ROOM * free_memory() / ranks.on_this_machine


def _check_room(needed: int, room: float, device: torch.device, *, clips: int) -> None:
    if needed > room:
        where = "the GPU" if device.type == "cuda" else "this machine"
        raise UsageError(
            f"{clips:,} decoded clips take about {needed / 1e9:.1f} GB, and {where} has room for"
            f" {room / 1e9:.1f} GB; use a smaller --size without --crop, or --cache off"
        )
