"""What a training reads: its shards, those for validation, the mean, and their batches."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lrcn_data.errors import UsageError
from lrcn_data.format.shard_patterns import shards_of
from lrcn_data.format.sources import UNKNOWN_SOURCE
from lrcn_data.one_class import refuse_one_class
from lrcn_data.plugins import plugin_versions
from lrcn_data.printable import show
from lrcn_model.nets.net_plugins import net_plugins
from lrcn_model.processor import Processor
from lrcn_model.ranks import Ranks
from lrcn_model.reading.batch_loader import load_batches
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.epoch_sampler import EpochSampler
from lrcn_model.reading.open_shards import (
    Wanted,
    check_fits,
    default_workers,
    open_shards,
    scoring_batches,
    scoring_windows,
    shard_cache,
)
from lrcn_model.reading.recut_clips import RecutClips, stored_videos
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.stream_sampler import StreamSampler
from lrcn_model.reading.video_seconds import VideoSeconds, video_seconds
from lrcn_model.reading.webdataset_reader import WebdatasetReader
from lrcn_model.scoring.calibration import Calibration, fit_calibration
from lrcn_model.scoring.label_kinds import TrainingScorer
from lrcn_model.scoring.scorer import Scorer
from lrcn_model.scoring.trained_run import RunFacts
from lrcn_model.training.mean import MEANS
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.run_record import TrainedOn
from lrcn_model.training.step_shares import StepShares, step_shares

AnyClips = ShardDataset | RecutClips

_COMPARED = 1 << 20
"""How many clips' sources are compared with others at a time."""


class TrainData:
    """The clips to train on and to validate with.

    Args:
        options: All values of the training; they name the shards and say how these are read.
        ranks: The processes that share the clips.
        processor: The processor that the batches are for.
        plugins: Names of the plug-ins that may be imported, if one has made the frames.

    Attributes:
        train: The shards to train on.
        val: The shards to validate with; None where --val-shards names none.
        train_clips: The clips to train on: those of the shards, or windows cut from them.
        val_clips: The clips to validate with, in the same way; None where there are none.
        workers: The number of processes that read shards.
        shares: The part of every step that this process takes.
        resumable: Whether a training can go on in the middle of an epoch.

    Raises:
        UsageError: No shards are named, they are of a single class, or the options don't go
            together.
        ShardError: Shards are missing, damaged, or don't fit together.
    """

    def __init__(
        self,
        options: TrainOptions,
        ranks: Ranks,
        processor: Processor,
        *,
        plugins: Collection[str] = (),
    ) -> None:
        if not options.shards:
            raise UsageError(
                "no shards to train on; name them with --shards, such as"
                " --shards 'shards/train-{000..099}.tar'"
            )
        self._options, self._ranks, self._processor = options, ranks, processor
        self._cache = shard_cache(options.cache_dir, options.cache_size)
        self.train = self._open(options.shards, "train", plugins)
        self.val = None
        self._differences: list[str] = []
        if options.val_shards:
            self.val = self._open(options.val_shards, "val", plugins)
            wanted = Wanted(
                what="the shards trained on have",
                classes=self.train.classes,
                multi_label=self.train.multi_label,
                seq_len=self.train.seq_len if options.window is None else None,
                frame_kind=self.train.frame_kind.name,
                recipe=self.train.recipe,
                labels_in_time=self.train.labels_in_time,
            )
            self._differences = check_fits(
                self.val, wanted, allow_other_sampling=options.allow_other_sampling
            )
        if options.jitter and not self.train.frame_kind.has_colours:
            raise UsageError(
                f"--jitter {options.jitter:g} varies colours, which frames of the kind"
                f" {self.train.frame_kind.name} don't have; leave it out"
            )
        self.train_clips, self.val_clips = self._clips()
        if options.mixup and self.train_clips.variable_length and not options.freezes_cnn:
            raise UsageError(
                f"--mixup {options.mixup:g} mixes frames of clips of one length, and these have"
                " several; leave it out, or make shards with one --seq-len; with a frozen CNN it"
                " mixes features, of any lengths"
            )
        refuse_one_class(
            self.train.classes,
            source=" ".join(options.shards),
            # where some clips don't have it, a single class is a question
            allowed=options.allow_one_class
            or (self.train.multi_label and min(self.train.class_counts()) < len(self.train)),
        )
        self.workers = default_workers() if options.workers is None else options.workers
        self.resumable = options.reader == "shards"
        self.take_shares(step_shares(options, ranks))
        self._webdataset = (
            self._open_webdataset(plugins) if options.reader == "webdataset" else None
        )

    def _open(self, shards: Sequence[str], split: str, plugins: Collection[str]) -> ShardDataset:
        """Open the clips of shards, with as many of their frames as are wanted."""
        data = open_shards(shards, split=split, plugins=plugins, cache=self._cache)
        return data if self._options.seq_len is None else data.with_seq_len(self._options.seq_len)

    def _clips(self) -> tuple[AnyClips, AnyClips | None]:
        """The clips to train on and to validate with.

        Raises:
            UsageError: Windows are asked for that can't be cut, or others than of labels in time.
        """
        options = self._options
        if options.smooth > 1 and not self.train.labels_in_time:
            raise UsageError(
                f"--smooth {options.smooth} averages frames around a frame, and these clips are"
                " labelled as a whole; leave it out"
            )
        if options.window is None and not self.train.labels_in_time:
            return self.train, self.val
        stored_videos(self.train)
        train: AnyClips = self.train
        if options.window is not None:
            length, stride = options.window or None, options.window_stride or None
            train = RecutClips.cut(self.train, length=length, stride=stride)
        return train, self.val and scoring_windows(
            self.val, options.window, carry_state=options.scores_carry_state
        )

    def take_shares(self, shares: StepShares) -> None:
        """Have this process take other parts of the steps than a run that begins now would have."""
        self.shares = shares
        self._sampler = self._new_sampler()

    def _new_sampler(self) -> EpochSampler | StreamSampler:
        options, ranks, shares = self._options, self._ranks, self.shares
        if not options.carry_state:
            return EpochSampler(
                self.train_clips,
                batch_size=shares.batch_size,
                seed=options.seed,
                ranks=shares.count,
                stands_for=shares.own,
                accumulate=shares.accumulate,
                shuffle_window=options.shuffle_window,
                balanced=options.balanced,
                mix=options.mix,
            )
        if ranks.count > 1:
            raise UsageError(
                "--carry-state goes through each video in one process; train with one process, or"
                " leave it out"
            )
        assert isinstance(self.train_clips, RecutClips)
        return StreamSampler(self.train_clips, batch_size=options.batch_size, seed=options.seed)

    def take(self, options: TrainOptions) -> None:
        """Share the clips of a step otherwise: by other --batch-size and --accumulate."""
        self._options = options
        self._sampler = self._new_sampler()

    def class_weights(self) -> Tensor | None:
        """How much a clip, or a frame of labels in time, of each class counts.

        Returns:
            Float32 (classes,), 0 for classes that none has; the mean over all clips or frames is 1.
            None where all count alike.

        Raises:
            UsageError: Clips have several labels, so that none has one class.
        """
        if self._options.class_weights == "none":
            return None
        if self.train.multi_label:
            raise UsageError(
                f"--class-weights {self._options.class_weights} weighs clips by their class, and"
                " these have several labels; leave it out"
            )
        return balanced_weights(torch.from_numpy(self._class_counts()))

    def _class_counts(self) -> npt.NDArray[np.int64]:
        """The number of clips, or of frames of labels in time, of each class, int64 (classes,)."""
        frame_labels = self.train.data_set.frame_labels
        if frame_labels is None:
            return self.train.class_counts()
        return np.bincount(frame_labels[frame_labels >= 0], minlength=len(self.train.classes))

    def warnings(self) -> list[str]:
        """What is odd about the shards, one sentence for each thing."""
        found = []
        others = [
            shard.location for shard in self.train.data_set.shards if shard.entry.split != "train"
        ]
        if others:
            found.append(
                f"{len(others)} of the shards to train on are of another split, such as {others[0]}"
            )
        classes = np.flatnonzero(self._class_counts())
        if len(classes) == 1 < len(self.train.classes):
            name = show(self.train.classes[classes[0]])
            found.append(f"all clips to train on are of one class, {name}")
        missing = self.train.data_set.found.not_named()
        if missing:
            found.append(
                f"{len(missing)} more shards of the train split are not among those named, such as"
                f" {missing[0]}"
            )
        if self._differences:
            found.append(
                f"the clips to validate with have {', '.join(self._differences)} as those trained"
                " on; val figures are of other motion"
            )
        if self.val is not None:
            found += _shared(self.train, self.val)
        return found

    def test_shards(self) -> list[str]:
        """Patterns of the test shards in the folders of the shards trained on; empty for none."""
        return [
            shards_of(folder.location, "test")
            for folder, manifest in self.train.data_set.found.manifests.items()
            if any(entry.split == "test" for entry in manifest.shards)
        ]

    def trained_on(self) -> TrainedOn:
        """What the run is recognized by."""
        return TrainedOn(
            shards=_hashes(self.train),
            val_shards=_hashes(self.val) if self.val else [],
            classes=self.train.classes,
            multi_label=self.train.multi_label,
            seq_len=self.train.seq_len,
            labels_in_time=self.train.labels_in_time,
            fps=str(self.train.fps),
            frame_kind=self.train.frame_kind.name,
            plugins={**net_plugins(self._options.net), **self._frame_plugins()},
        )

    def _frame_plugins(self) -> dict[str, str]:
        """The version of the plug-in that made the frames, by its name; empty if none did."""
        kind = self.train.frame_kind
        return plugin_versions([(kind.name, kind)])

    def facts(self, trained: Mapping[str, Any], calibration: Calibration | None = None) -> RunFacts:
        """What is kept with a net that is trained on these clips.

        Args:
            trained: The epochs, steps and accuracy that the weights stand for, which only people
                read.
            calibration: How the probabilities of the net are corrected, if that is known.
        """
        return RunFacts(
            classes=self.train.classes,
            multi_label=self.train.multi_label,
            labels_in_time=self.train.labels_in_time,
            window=self._options.window,
            carry_state=self._options.scores_carry_state,
            smooth=self._options.smooth,
            seq_len=self.train.seq_len,
            fps=self.train.fps,
            average=self._options.average,
            stored_size=self.train.stored_size,
            trained=trained,
            recipe=self.train.recipe,
            frame_kind=self.train.frame_kind.name,
            frame_plugins=self._frame_plugins(),
            calibration=calibration,
            video_seconds=self._video_seconds,
        )

    @cached_property
    def _video_seconds(self) -> VideoSeconds | None:
        """Read once, as facts are asked for after every epoch that is the best."""
        return video_seconds(self.train)

    def fit_calibration(self, scorer: TrainingScorer) -> Calibration | None:
        """How the probabilities of a net are corrected; None unless clips have one label each.

        Args:
            scorer: The net's scores of the clips to validate with.
        """
        assert self.val is not None
        if not isinstance(scorer, Scorer):
            return None
        return fit_calibration(scorer.videos(), self._options.average, _hashes(self.val))

    def mean(self) -> Tensor | None:
        """What --mean says is subtracted from the frames, with values from 0 to 255.

        Returns:
            float32 (channels, height, width), the mean image, or (channels,), its mean colour; None
            for nothing.
        """
        return MEANS[self._options.mean](lambda: self.train.mean_image(self._options.net.size))

    def train_batches(
        self, epoch: int, samples_done: int, cached: Clips | None = None
    ) -> Generator[ClipBatch, None, None]:
        """This process's batches of what is left of an epoch, on the device.

        Args:
            epoch: The number of the epoch, from 0.
            samples_done: The number of its clips that all processes together have taken before.
            cached: The same clips as something that is cached of them; None for the shards.

        Raises:
            UsageError: Too few clips are left for so many processes.
            ShardError: A shard is damaged.
        """
        if self._webdataset is not None:
            self._webdataset.set_epoch(epoch)
            yield from load_batches(self._webdataset, None, self.workers, self._processor)
        else:
            self._sampler.load_state_dict({"epoch": epoch, "samples_done": samples_done})
            clips, workers = self._of_cached(self.train_clips, cached)
            yield from load_batches(clips, self._sampler, workers, self._processor)

    def longest_clips(self) -> Generator[ClipBatch, None, None]:
        """A batch of the clips with the most frames, on the device."""
        clips = self.train_clips
        longest = np.argsort(-clips.lengths, kind="stable")
        batch = longest[: self._options.batch_size].tolist()
        yield from load_batches(clips, [batch], self.workers, self._processor)

    def samples_done(self, batches: int) -> int:
        """Clips of the running epoch that all processes have taken.

        Args:
            batches: The number of batches trained on, of those that `train_batches` last gave.
        """
        return self._sampler.state_dict(batches // len(self.shares.own))["samples_done"]

    def steps_left(self, epoch: int, samples_done: int) -> int:
        """Steps of the optimizer that are left of an epoch; with --reader webdataset an estimate.

        Args:
            epoch: The number of the epoch, from 0.
            samples_done: Clips of it that all processes together have taken.
        """
        batches = self._sampler.batches_left(epoch, samples_done)
        return -(-batches // self.shares.accumulate)

    def val_batches(self, cached: Clips | None = None) -> Generator[ClipBatch, None, None]:
        """This process's batches of the clips to validate with, which no other process has.

        Args:
            cached: The same clips as something that is cached of them; None for the shards.
        """
        assert self.val_clips is not None
        clips, workers = self._of_cached(self.val_clips, cached)
        yield from scoring_batches(
            clips,
            batch_size=self._options.batch_size,
            workers=workers,
            processor=self._processor,
            ranks=self._ranks,
            in_streams=self._options.scores_carry_state,
        )

    def _of_cached(self, clips: AnyClips, cached: Clips | None) -> tuple[Clips, int]:
        """Clips as what is cached of their shards, and the number of processes that read them."""
        if cached is None:
            return clips, self.workers
        return clips.of_cached(cached), 0

    def _open_webdataset(self, plugins: Collection[str]) -> WebdatasetReader:
        options = self._options
        if self._ranks.count > 1:
            raise UsageError(
                "--reader webdataset gives processes unequal numbers of batches; train with one"
                " process, or with --reader shards"
            )
        if options.shuffle_window or options.balanced or options.mix:
            raise UsageError("--shuffle-window, --balanced and --mix go with --reader shards")
        return WebdatasetReader(
            options.shards, plugins=plugins, batch_size=options.batch_size, seed=options.seed
        )


def balanced_weights(counts_C: Tensor) -> Tensor:
    """One over each class's count, float32 (classes,), so that the mean over all counted is 1.

    Args:
        counts_C: How many there are of each class, int64 (classes,).
    """
    there_C = counts_C > 0
    share = counts_C.sum() / there_C.sum().clamp(min=1)
    return torch.where(there_C, share / counts_C.clamp(min=1), 0).float()


def _hashes(data: ShardDataset) -> list[str]:
    return [shard.entry.sha256 for shard in data.data_set.shards]


def _shared(train: ShardDataset, val: ShardDataset) -> list[str]:
    """Say what is both trained on and validated with, if anything."""
    few, many = sorted((train.sources, val.sources), key=len)
    few, videos = np.unique(few), set[int]()
    # in parts, as sorted copies of ten million take a quarter of a gigabyte
    for start in range(0, len(many), _COMPARED):
        part = many[start : start + _COMPARED]
        videos |= set(np.intersect1d(few, part).tolist())
    videos -= {UNKNOWN_SOURCE}
    if videos:
        what = f"{len(videos)} videos (by the SHA-256 of their files)"
    elif set(_hashes(train)) & set(_hashes(val)):
        what = "some shards"
    else:
        return []
    return [f"{what} are trained on and validated with; val figures mean little"]
