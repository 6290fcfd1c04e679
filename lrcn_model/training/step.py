"""One step of the optimizer: forward, backward and update, over one batch or several.

The gradient is that of the mean loss of all clips of the step, however they are spread over
batches (--accumulate) and processes: each adds up its clips' losses, and the sum of the gradients
is divided by the number of clips in the end.

What is random is drawn anew in every step from (seed, step, process), so that a training that
goes on from a checkpoint draws what one that was never stopped does, and no state of a generator
has to be kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lrcn_data.errors import UsageError
from lrcn_model.nets.net import LRCN, NetConfig
from lrcn_model.processor import Processor, place
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import Augmentation
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.repeatable_random import random_bits
from lrcn_model.scoring.loss import ClipLosses, clip_losses
from lrcn_model.training.options import TrainOptions

_MOMENTUM = 0.9


class TrainStep:
    """The net with all that changes it.

    Args:
        options: All values of the training.
        classes: How many.
        mean: What is subtracted from the frames, as `Preprocess` takes it.
        processor: Where it runs.
        ranks: Who trains together.

    Attributes:
        net: The net; its first weights are a function of the seed.
        scored: What validation scores and the run keeps: the net, or with --ema the moving average
            of its weights.
        preprocess: From stored pixels to what the net sees.
        optimizer: Adam or SGD.
        scaler: Of the gradients, for fp16.
    """

    def __init__(
        self,
        options: TrainOptions,
        *,
        classes: int,
        mean: Tensor | None,
        processor: Processor,
        ranks: Ranks,
    ) -> None:
        self._options, self._processor, self._ranks = options, processor, ranks
        config = NetConfig(
            classes=classes,
            cnn=options.cnn,
            size=options.size,
            lstm_hidden=options.lstm_hidden,
            dropout=options.dropout,
        )
        torch.manual_seed(options.seed)
        self.net = place(LRCN(config), processor)
        self.preprocess = Preprocess(options.size, mean).to(processor.device)
        self._frozen = [self.net.get_submodule(part) for part in options.freeze]
        for part in self._frozen:
            part.requires_grad_(False)
        self.optimizer = _optimizer(options, self.net)
        self.scaler = torch.amp.GradScaler(processor.device.type, enabled=processor.needs_scaler)
        self._augmentation = Augmentation(
            crop=options.crop, flip=options.flip, jitter=options.jitter
        )
        self._average = moving_average(self.net, options.ema) if options.ema else None
        self.scored = cast(LRCN, self._average.module if self._average else self.net)
        self._model: nn.Module = self.net
        if ranks.count > 1:
            self._model = DistributedDataParallel(self.net)
        self._forward = compiled(self._model) if options.compile else self._model

    def run(
        self, batches: Sequence[ClipBatch], *, step: int, epoch: int, lr: float, asked: bool
    ) -> Tensor:
        """Do a step.

        Args:
            batches: This process's share, on the device.
            step: Steps done before, over the whole training.
            epoch: From 0.
            lr: Learning rate.
            asked: Whether this process was asked to stop.

        Returns:
            float64 (4,), summed over all processes: the clips' losses, clips, clips recognized,
            processes that were asked to stop. On a GPU it is not yet computed on return.
        """
        options = self._options
        self.net.train()
        for part in self._frozen:
            part.eval()  # batch normalization's statistics are kept as well
        bits = random_bits(np.array([step]), "dropout", options.seed, self._ranks.rank)
        torch.manual_seed(int(bits[0]))
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad()
        sums = torch.zeros(4, dtype=torch.float64)
        sums[3] = asked
        sums = sums.to(self._processor.device, non_blocking=True)
        for number, batch in enumerate(batches, 1):
            with self._alone(number < len(batches)):
                losses = self._losses(batch, epoch)
                self.scaler.scale(losses.loss).backward()  # type: ignore[no-untyped-call]
            parts = (losses.loss.detach(), losses.clips, losses.correct)
            sums[:3] += torch.stack([part.double() for part in parts])
        self._ranks.sum_(sums)
        self._update(clips=sums[1])
        return sums

    def _losses(self, batch: ClipBatch, epoch: int) -> ClipLosses:
        changes = None
        if self._augmentation:
            changes = self._augmentation.draw(batch.indices, seed=self._options.seed, epoch=epoch)
        frames = self.preprocess(batch, changes)
        with self._processor.precise():
            scores_BTC = self._forward(frames)
        return clip_losses(
            scores_BTC,
            batch.frame_labels,
            batch.labels,
            batch.num_valid,
            smoothing=self._options.label_smoothing,
        )

    def _update(self, clips: Tensor) -> None:
        self.scaler.unscale_(self.optimizer)
        # DistributedDataParallel has taken the mean over the processes, where the sum is wanted
        factor = (self._ranks.count / clips.clamp(min=1)).float()
        for parameter in self.net.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
        if self._options.clip_grad:
            nn.utils.clip_grad_norm_(self.net.parameters(), self._options.clip_grad)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self._average:
            self._average.update_parameters(self.net)

    def _alone(self, alone: bool) -> AbstractContextManager[None]:
        """Leave the gradients of all but a step's last batch to this process."""
        if alone and isinstance(self._model, DistributedDataParallel):
            context: AbstractContextManager[None] = self._model.no_sync()
            return context
        return nullcontext()

    def agree(self) -> None:
        """Take the first process's running statistics; those of the others are of other clips."""
        # in the same order in all processes, as a set of modules would not be
        for module in dict.fromkeys((self.net, self.scored)):
            for buffer in module.buffers():
                self._ranks.share_(buffer)

    def is_finite(self) -> bool:
        """Whether all that would be saved is numbers: also what the optimizer keeps."""
        return all(bool(torch.isfinite(value).all()) for value in _tensors(self.state_dict()))

    def state_dict(self) -> dict[str, Any]:
        """All that steps change."""
        state = {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        if self._average:
            state["ema"] = self._average.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self._average:
            self._average.load_state_dict(state["ema"])


def moving_average(net: nn.Module, decay: float) -> AveragedModel:
    """The exponential moving average of a net's weights and running statistics, step by step.

    Its first update takes the net's own values.
    """
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(net, multi_avg_fn=average, use_buffers=True)


def compiled(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """A net as torch.compile makes it, with the same weights.

    Raises:
        UsageError: There is no C++ compiler.
    """
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        raise UsageError(
            f"--compile needs a C++ compiler, and there is no {compiler}; install it,"
            " name another in the environment variable CXX, or leave --compile out"
        )
    return torch.compile(model)


def _tensors(state: Any) -> Iterator[Tensor]:
    """All tensors in dicts within dicts."""
    if isinstance(state, Tensor):
        yield state
    elif isinstance(state, dict):
        for value in state.values():
            yield from _tensors(value)


def _optimizer(options: TrainOptions, net: nn.Module) -> torch.optim.Optimizer:
    parameters = [value for value in net.parameters() if value.requires_grad]
    if options.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=options.lr,
            momentum=_MOMENTUM,
            weight_decay=options.weight_decay,
            fused=True,
        )
    return torch.optim.Adam(
        parameters, lr=options.lr, weight_decay=options.weight_decay, fused=True
    )
