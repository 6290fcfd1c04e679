"""What a training computes of its clips once, instead of in every epoch (--cache)."""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import Tensor

from lrcn_model.caching.cached_features import CachedFeatures, FeatureMaker
from lrcn_model.caching.decoded_clips import DecodedClips, decode_all
from lrcn_model.caching.feature_folder import FeatureFolder
from lrcn_model.caching.feature_key import FixedView, feature_key
from lrcn_model.ranks import Ranks
from lrcn_model.reading.clip_batch import ClipBatch, Clips
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.run_folder import RunFolder
from lrcn_model.training.data import TrainData
from lrcn_model.training.options import TrainOptions
from lrcn_model.training.reports import CacheReport, TrainingObserver
from lrcn_model.training.step import TrainStep


class StoppedCaching(Exception):
    """The training was to stop before all clips were there."""


class ClipCaches:
    """Gives the clips to train on and to validate with, as far as something of them is cached.

    They are computed, or read from where they were kept, when they are first asked for.

    Args:
        options: All values of the training.
        data: The clips.
        train_step: The net, with the weights that it begins with.
        folder: The run's folder, beside which features are kept.
        ranks: The processes that train together.
        observer: The object that is told what happens.
        go_on: Asked now and then whether to go on; False to stop.
    """

    def __init__(
        self,
        options: TrainOptions,
        *,
        data: TrainData,
        train_step: TrainStep,
        folder: RunFolder,
        ranks: Ranks,
        observer: TrainingObserver,
        go_on: Callable[[], bool],
    ) -> None:
        self._options, self._data, self._train_step = options, data, train_step
        self._runs, self._ranks, self._observer = folder.beside, ranks, observer
        self._go_on = go_on
        self._train: dict[int, Clips | None] = {}
        self._val: list[Clips | None] = []

    def train(self, epoch: int) -> Clips | None:
        """The clips of an epoch, from 0; None where they are read from the shards.

        Raises:
            StoppedCaching: `go_on` said so.
            LrcnError: The clips don't fit the memory, can't be read, or features can't be kept.
        """
        view = self._options.view(epoch)
        if view not in self._train:
            self._train[view] = self._cached(self._data.train, view)
        return self._train[view]

    def val(self) -> Clips | None:
        """The clips to validate with; None where they are read from the shards.

        Raises:
            StoppedCaching: `go_on` said so.
            LrcnError: As `train` raises it.
        """
        assert self._data.val is not None
        if not self._val:
            self._val = [self._cached(self._data.val, 0)]
        return self._val[0]

    def _cached(self, data: ShardDataset, view: int) -> Clips | None:
        options = self._options
        clips: Clips | None
        if options.caches_features:
            clips = self._features(data, view)
        elif options.cache in ("host", "device"):
            clips = self._decoded(data)
        else:
            return None
        if clips is None:
            raise StoppedCaching
        return clips

    def _features(self, data: ShardDataset, view: int) -> CachedFeatures | None:
        step = self._train_step
        fixed = FixedView(number=view, augmentation=step.augmentation) if view else None
        key = feature_key(step.net, step.preprocess, step.processor, fixed, data.taken_frames)
        folder = FeatureFolder(self._runs, key)

        def compute(batch: ClipBatch) -> Tensor:
            # an epoch's features are those of its view
            return step.features(batch, view or None)

        maker = FeatureMaker(
            compute=compute,
            workers=self._data.workers,
            processor=step.processor,
            ranks=self._ranks,
        )
        on_clips = functools.partial(self._tell, "features")
        clips = maker.cached(data, folder, on_clips=on_clips, go_on=self._go_on)
        if clips is not None:
            self._observer.note(
                f"the CNN is frozen: epochs read its features of {len(data):,} clips from"
                f" {folder.path}"
            )
        return clips

    def _decoded(self, data: ShardDataset) -> DecodedClips | None:
        options, processor = self._options, self._train_step.processor
        return decode_all(
            data,
            size=None if options.crop else options.net.size,
            device=processor.device if options.cache == "device" else None,
            workers=self._data.workers,
            ranks=self._ranks,
            on_clips=functools.partial(self._tell, "frames"),
            go_on=self._go_on,
        )

    def _tell(self, what: str, done: int, clips: int) -> None:
        self._observer.cache(CacheReport(what=what, done=done, clips=clips))
