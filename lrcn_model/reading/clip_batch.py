"""A batch of clips as it goes from the reader to the device: one buffer of pixels, and facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.reduction import ForkingPickler
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from lrcn_model.reading import worker_buffers


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClipBatch:
    """Clips with their pixels in one tensor, so that one copy brings them anywhere.

    Clips may differ in their frames' size and, in a data set of such clips, in their number of
    frames.

    Attributes:
        pixels: uint8 (bytes,), all clips' frames one after another, each height x width x
            channels.
        sizes: int64 (clips, 2), the height and width of each clip's frames, in pixels.
        labels: int64 (clips,), the class number of each clip, -1 where labels are in time and none
            of its frames has one; of a multi-label data set uint8 (clips, classes), 1 where a clip
            has a class.
        frame_labels: int64 (clips, frames), the class number of each frame; -1 where a frame has
            none or only repeats the last real one, where a clip has ended before the longest one,
            and everywhere in a multi-label data set.
        num_valid: int64 (clips,), the number of real frames of each clip; the rest repeat the last
            one.
        indices: int64 (clips,), the number of each clip in its data set.
        keys: The name of each clip.
        videos: The path of each clip's video, as its list had it.
        sources: Which input file each clip is from: a video is its path and this number together,
            so that equal paths of two data sets are different videos; see
            `lrcn_data.format.sources`. Empty where that isn't known.
        channels: The number of channels of the frames, which is 3 for RGB.
        features: What a CNN that isn't trained makes of the frames, where that is known; there are
            no pixels then. Float (clips, frames, features); of clips that differ in their number of
            frames float (frames, features), one clip after another.
        frame_counts: int64 (clips,), the number of frames that each clip has, all of them real, in
            a data set whose clips differ in it; None where all have the same. It stays on the host,
            which needs it to tell clips apart.
        positions: int64 (clips,), the number of each clip's first frame in the fps stream of its
            video, where labels are in time; None elsewhere. It stays on the host.
        frame_times: float64 (clips, frames), the time in seconds at which each frame's video shows
            it, where labels are in time; 0 where a clip has ended before the longest one. None
            elsewhere. It stays on the host.
    """

    pixels: Tensor
    sizes: Tensor
    labels: Tensor
    frame_labels: Tensor
    num_valid: Tensor
    indices: Tensor
    keys: tuple[str, ...]
    videos: tuple[str, ...]
    sources: tuple[int, ...] = ()
    channels: int = 3
    features: Tensor | None = None
    frame_counts: Tensor | None = None
    positions: Tensor | None = None
    frame_times: Tensor | None = None

    def __len__(self) -> int:
        """The number of clips."""
        return len(self.keys)

    def __reduce__(self) -> tuple[Callable[..., ClipBatch], tuple[Any, ...]]:
        """Pickle the small tensors as arrays: only the pixels are worth a shared memory segment."""
        small = (self.sizes, self.labels, self.frame_labels, self.num_valid, self.indices)
        arrays = tuple(tensor.cpu().numpy() for tensor in small)
        optional = (self.frame_counts, self.positions, self.frame_times)
        return _rebuild, (
            self.pixels,
            arrays,
            tuple(None if tensor is None else tensor.numpy() for tensor in optional),
            self.keys,
            self.videos,
            self.sources,
            self.channels,
        )

    @property
    def seq_len(self) -> int:
        """The number of frames in a clip; of clips that differ in it that of the longest one."""
        return self.frame_labels.shape[1]

    @property
    def lengths(self) -> Tensor:
        """The number of real frames of each clip, int64 (clips,), as a net takes it."""
        return self.num_valid if self.frame_counts is None else self.frame_counts

    @property
    def same_size(self) -> bool:
        """Whether all clips' frames have one size."""
        return len({tuple(size) for size in self.sizes.tolist()}) == 1

    @property
    def frames(self) -> Tensor:
        """The pixels as uint8 (clips, frames, height, width, channels), without a copy.

        Raises:
            ValueError: The clips' frames differ in size, or clips in their number of frames, so
                that they make no such tensor.
        """
        if self.frame_counts is not None:
            raise ValueError(
                f"the clips of this batch have {self.frame_counts.tolist()} frames; use"
                " clip_frames, or Preprocess, which takes the batch as it is"
            )
        return self.all_frames.view(len(self), self.seq_len, *self.all_frames.shape[1:])

    @property
    def all_frames(self) -> Tensor:
        """The pixels as uint8 (frames of all clips, height, width, channels), without a copy.

        Raises:
            ValueError: The clips' frames differ in size, so that they make no such tensor.
        """
        if not self.same_size:
            raise ValueError(
                f"the clips of this batch have frames of different sizes, {self.sizes.tolist()};"
                " use clip_frames, or Preprocess, which takes the batch as it is"
            )
        height, width = self.sizes[0].tolist()
        return self.pixels.view(-1, height, width, self.channels)

    def clip_frames(self) -> list[Tensor]:
        """Each clip's pixels, uint8 (frames, height, width, channels), without a copy."""
        counts = [self.seq_len] * len(self)
        if self.frame_counts is not None:
            counts = self.frame_counts.tolist()
        shapes = [
            (count, height, width, self.channels)
            for count, (height, width) in zip(counts, self.sizes.tolist(), strict=True)
        ]
        parts = torch.split(self.pixels, [math.prod(shape) for shape in shapes])
        return [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]

    def pin_memory(self) -> Self:
        """The batch with its tensors in pinned memory; a DataLoader with pin_memory calls this."""
        return self._with_tensors(lambda tensor: tensor if tensor.is_cuda else tensor.pin_memory())

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Self:
        """The batch on another device; sizes and indices stay, since only the host needs them.

        Args:
            device: The device that the tensors are copied to.
            non_blocking: Whether to return without waiting for the copies, which works from pinned
                memory.
        """
        moved = self._with_tensors(lambda tensor: tensor.to(device, non_blocking=non_blocking))
        return replace(moved, sizes=self.sizes, indices=self.indices)

    def _with_tensors(self, change: Callable[[Tensor], Tensor]) -> Self:
        return replace(
            self,
            pixels=change(self.pixels),
            labels=change(self.labels),
            frame_labels=change(self.frame_labels),
            num_valid=change(self.num_valid),
            features=None if self.features is None else change(self.features),
        )


class Clips(Protocol):
    """Clips by number: those of shards, or what is cached of them."""

    def __len__(self) -> int:
        """The number of clips."""

    def __getitems__(self, indices: Sequence[int]) -> ClipBatch:
        """A batch of several clips, in the order of the numbers given."""


def collate(batch: ClipBatch) -> ClipBatch:
    """The batch itself: the `collate_fn` for a DataLoader over `ShardDataset`."""
    return batch


def _reduce_for_process(batch: ClipBatch) -> tuple[Callable[..., ClipBatch], tuple[Any, ...]]:
    """Pickle as `ClipBatch.__reduce__` does, but send pixels in a worker's buffer by its number."""
    rebuild, (pixels, *facts) = batch.__reduce__()
    sent = worker_buffers.send(pixels)
    return (rebuild, (pixels, *facts)) if sent is None else (_receive, (sent, *facts))


ForkingPickler.register(ClipBatch, _reduce_for_process)


def _receive(sent: tuple[Any, ...], *facts: Any) -> ClipBatch:
    return _rebuild(worker_buffers.receive(*sent), *facts)


def _rebuild(
    pixels: Tensor,
    arrays: Sequence[Any],
    optional: Sequence[Any],
    keys: tuple[str, ...],
    videos: tuple[str, ...],
    sources: tuple[int, ...],
    channels: int,
) -> ClipBatch:
    sizes, labels, frame_labels, num_valid, indices = (torch.from_numpy(a) for a in arrays)
    counts, positions, frame_times = (None if a is None else torch.from_numpy(a) for a in optional)
    return ClipBatch(
        pixels=pixels,
        sizes=sizes,
        labels=labels,
        frame_labels=frame_labels,
        num_valid=num_valid,
        indices=indices,
        keys=keys,
        videos=videos,
        sources=sources,
        channels=channels,
        frame_counts=counts,
        positions=positions,
        frame_times=frame_times,
    )
