"""One step of the optimizer: forward, backward and update, over one batch or several.

The gradient is that of the mean loss of all clips of the step, however they are spread over
batches (--accumulate) and processes: each process adds up its clips' losses, and the sum of the
gradients is divided by the number of clips in the end.

What is random is drawn anew in every step from (seed, step, share of the step), so that a training
that goes on from a checkpoint draws what one that was never stopped does, and no state of a
generator has to be kept. Each process has one share, or where there are fewer of them than the
training began with, several; see `step_shares`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from lrcn_data.errors import UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.rgb_jpeg import RGB_JPEG
from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.nets.head import is_causal
from lrcn_model.nets.net import LRCN, FromFeatures
from lrcn_model.nets.side_by_side import side_by_side
from lrcn_model.processor import Processor, move_net
from lrcn_model.ranks import Ranks
from lrcn_model.reading.augmentation import Augmentation, ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.repeatable_random import random_bits
from lrcn_model.scoring.label_kinds import training_kind
from lrcn_model.scoring.loss import ClipLosses
from lrcn_model.scoring.loss_at import EVERY, MEAN
from lrcn_model.scoring.score_batch import carried_scores, score_batch
from lrcn_model.training.compiled_net import compiled
from lrcn_model.training.mixup import draw_mixing
from lrcn_model.training.moving_average import moving_average
from lrcn_model.training.not_finite import all_finite
from lrcn_model.training.optimizers import OPTIMIZERS
from lrcn_model.training.options import OPTIONS, TrainOptions
from lrcn_model.training.parameter_groups import LR_FACTOR, module_of, parameter_groups
from lrcn_model.training.step_figures import StepSums


class TrainStep:
    """The net with everything that changes it.

    Args:
        options: All values of the training.
        classes: The number of classes that the net tells apart.
        mean: The mean that is subtracted from the frames, as `Preprocess` takes it.
        processor: The processor that the net runs on.
        ranks: The processes that train together.
        frame_kind: The kind of the frames.
        multi_label: Whether a clip has a set of classes, instead of one.
        labels_in_time: Whether frames have classes of their own.
        class_weights: How much each class counts in the loss, float (classes,); None for alike.

    Attributes:
        processor: The processor that the net runs on.
        net: The net; its first weights are a function of the seed.
        preprocess: Turns stored pixels into what the net sees.
        scored: The net that validation scores and the run keeps: `net`, or with --ema one that has
            the moving average of its weights.
        optimizer: The optimizer that --optimizer names.
        scaler: Scales the gradients, where the net is computed in fp16.
        augmentation: How far clips are varied at random.
    """

    def __init__(
        self,
        options: TrainOptions,
        *,
        classes: int,
        mean: Tensor | None,
        processor: Processor,
        ranks: Ranks,
        frame_kind: FrameKind = RGB_JPEG,
        multi_label: bool = False,
        labels_in_time: bool = False,
        class_weights: Tensor | None = None,
    ) -> None:
        self._label_kind = training_kind(multi_label=multi_label, labels_in_time=labels_in_time)
        if class_weights is not None:
            class_weights = class_weights.to(processor.device)
        self._class_weights = class_weights
        if labels_in_time and options.loss_at == MEAN:
            raise UsageError(
                "--loss-at mean is against the class of a whole clip, and where labels are in time"
                " frames have classes of their own; take every or last"
            )
        if labels_in_time and options.average != OPTIONS["average"].default:
            raise UsageError(
                f"--average {options.average} is how a video's class follows from its frames, and"
                " where labels are in time frames have classes of their own; leave it out"
            )
        if multi_label and options.loss_at != EVERY:
            raise UsageError(
                f"--loss-at {options.loss_at} is for clips of one class; where they have several"
                " labels, the loss is taken at every frame: leave it out"
            )
        self._options, self._ranks = options, ranks
        self._carried = CarriedState() if options.carry_state else None
        self.processor = processor
        self.net, self.preprocess = _new_net(options, classes, mean, frame_kind, processor)
        self._frozen = [module_of(self.net, "--freeze", part) for part in options.frozen_modules()]
        for part in self._frozen:
            part.requires_grad_(False)
        self.net.eval()  # the first step has it train
        if options.scores_carry_state and not is_causal(self.net.head):
            what = (
                "--carry-state goes" if options.carry_state else "--loss-at last of a --window goes"
            )
            raise UsageError(
                f"{what} on from window to window, and --head {options.net.head} looks at frames to"
                " come; take a causal head, or --window 0 for whole videos"
            )
        groups = parameter_groups(self.net, options)
        self.optimizer = OPTIMIZERS[options.optimizer](groups, options)
        self.scaler = torch.amp.GradScaler(processor.device.type, enabled=processor.needs_scaler)
        self.augmentation = Augmentation(
            crop=options.crop, flip=options.flip, jitter=options.jitter
        )
        self._average = moving_average(self.net, options.ema) if options.ema else None
        self.scored = cast(LRCN, self._average.module if self._average else self.net)
        self._model: nn.Module = FromFeatures(self.net) if options.freezes_cnn else self.net
        if ranks.count > 1:
            self._model = DistributedDataParallel(self._model)
        self._forward: Callable[[Tensor, Tensor], Tensor] = self._model
        if options.compile and not options.freezes_cnn:
            self._forward = compiled(cast("LRCN | DistributedDataParallel", self._model))

    def close(self) -> None:
        """Let go of the group of processes; no step can be done afterwards.

        Its last reference must be a Python object's. The Reducer of DistributedDataParallel would
        wait for the group's threads while it holds the GIL, and they for the GIL, to free the
        tensors of what they did last (torch 2.13; one of 50 trainings under load).
        """
        if isinstance(self._model, DistributedDataParallel):
            del self._model.reducer, self._model.logger, self._model.process_group

    def run(
        self,
        batches: Sequence[ClipBatch],
        *,
        step: int,
        epoch: int,
        lr: float,
        shares: Sequence[int] | None = None,
        vote_to_stop: bool = False,
    ) -> StepSums:
        """Do a step.

        Args:
            batches: This process's part of the step's clips, on the device: as many batches of each
                of its shares, one share after the other.
            step: Steps done before, over the whole training.
            epoch: The number of the epoch, from 0.
            lr: The learning rate of the step.
            shares: The numbers of the shares of the step that this process takes, as `StepShares`
                has them; None for one of the process's own number.
            vote_to_stop: Whether this process has been asked to stop.

        Returns:
            The step's figures over all processes. On a GPU they are not yet computed on return.
        """
        self._prepare(lr)
        sums = StepSums(self.processor.device, vote_to_stop=vote_to_stop)
        shares = [self._ranks.rank] if shares is None else shares
        of_share = len(batches) // len(shares)
        statistics: list[Tensor] = []
        for number, batch in enumerate(batches):
            if number % of_share == 0:
                self._draw_for(shares[number // of_share], step)
            with self._sharing_gradients(number + 1 == len(batches)):
                losses = self._losses(batch, epoch)
                self.scaler.scale(losses.loss).backward()  # type: ignore[no-untyped-call]
            sums.add(losses)
            if number + 1 == of_share < len(batches):
                statistics = [buffer.clone() for buffer in self.net.buffers()]
        # those that count are of the first share, as they are those of the first process
        for buffer, kept in zip(self.net.buffers(), statistics, strict=False):
            buffer.copy_(kept)
        sums.add_other_processes(self._ranks)
        self._update(sums.weight)
        return sums

    def _prepare(self, lr: float) -> None:
        """Get ready for a step: modes, learning rate, no gradients."""
        if not self.net.training:  # walking a frozen lite0 in every step took a tenth of its time
            self.net.train()
            for part in self._frozen:
                part.eval()  # batch normalization's statistics are kept as well
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group.get(LR_FACTOR, 1.0)
        self.optimizer.zero_grad()

    def _draw_for(self, share: int, step: int) -> None:
        """Have what is random from here on be drawn for a share of a step."""
        bits = random_bits(np.array([step]), "dropout", self._options.seed, share)
        torch.manual_seed(int(bits[0]))

    def _losses(self, batch: ClipBatch, epoch: int) -> ClipLosses:
        """The forward pass of a batch: from stored pixels to the losses."""
        if self._options.freezes_cnn:
            seen = self.features(batch, epoch)
        else:
            seen = self._frames(batch, epoch)
        if self._carried is not None:
            with self.processor.autocast():
                scores_BTC = carried_scores(self.net, seen, batch, self._carried)
            return self._losses_by(scores_BTC, batch)
        if self._options.mixup:
            if batch.frame_counts is not None:
                seen = side_by_side(seen, batch.frame_counts.tolist())
            mixing = draw_mixing(batch, self._options.mixup)
            scores_BTC = self._scores(mixing.seen(seen), mixing.lengths(batch.lengths))
            return mixing.losses(batch, lambda labels: self._losses_by(scores_BTC, labels))
        return self._losses_by(self._scores(seen, batch.lengths), batch)

    def _scores(self, seen: Tensor, lengths: Tensor) -> Tensor:
        with self.processor.autocast():
            return self._forward(seen, lengths)

    def _losses_by(self, scores_BTC: Tensor, batch: ClipBatch) -> ClipLosses:
        return self._label_kind.losses(scores_BTC, batch, self._options, self._class_weights)

    def _frames(self, batch: ClipBatch, epoch: int | None) -> Tensor:
        """What the net sees of a batch: as an epoch changes it, or as it is stored."""
        changes = None if epoch is None else self._changes(batch, epoch)
        frames: Tensor = self.preprocess(batch, changes)
        return frames

    def _changes(self, batch: ClipBatch, epoch: int) -> list[ClipChange] | None:
        """How an epoch changes the clips of a batch.

        Where labels are in time a fixed view is one of a whole video, so that windows cut from
        several stored ones are of one piece; so it is where a state is carried on.
        """
        if not self.augmentation:
            return None
        if not self._options.fixed_views:
            numbers = batch.indices if self._carried is None else torch.tensor(batch.sources)
            return self.augmentation.draw(numbers, seed=self._options.seed, epoch=epoch)
        names = batch.keys if batch.positions is None else batch.videos
        view = self._options.view(epoch)
        return self.augmentation.draw_view(names, view) if view else None

    @torch.no_grad()
    def features(self, batch: ClipBatch, epoch: int | None = None) -> Tensor:
        """What a frozen CNN makes of a batch.

        Args:
            batch: The clips, on the device.
            epoch: The number of the epoch, from 0, that changes the clips; None for no changes.

        Returns:
            Features, as `LRCN.features` returns them, in the type that the processor's precision
            gives.
        """
        if batch.features is not None:
            return batch.features
        self.net.cnn.eval()
        with self.processor.autocast():
            return self.net.features(self._frames(batch, epoch), batch.lengths)

    def _update(self, weight: Tensor) -> None:
        """Change the weights by the gradient of the mean loss.

        Args:
            weight: float64 (), what the sum of the losses of all processes is divided by.
        """
        self.scaler.unscale_(self.optimizer)
        # DistributedDataParallel has taken the mean over the processes, where the sum is wanted
        factor = (self._ranks.count / weight.where(weight > 0, 1)).float()
        for parameter in self.net.parameters():
            if parameter.grad is not None:
                parameter.grad.mul_(factor)
        if self._options.clip_grad:
            nn.utils.clip_grad_norm_(self.net.parameters(), self._options.clip_grad)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self._average:
            self._average.update_parameters(self.net)

    def _sharing_gradients(self, shared: bool) -> AbstractContextManager[None]:
        """Whether backward averages the gradients over all processes; once in a step is enough."""
        if not shared and isinstance(self._model, DistributedDataParallel):
            context: AbstractContextManager[None] = self._model.no_sync()
            return context
        return nullcontext()

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """The context in which `score` is called: no gradients, no dropout."""
        self.scored.eval()
        with torch.inference_mode(), self.processor.autocast():
            yield

    def score(self, batch: ClipBatch, carried: CarriedState | None = None) -> Tensor:
        """Scores of the net that is kept, before any softmax: (clips, frames, classes).

        Args:
            batch: The clips, on the device.
            carried: What the head has seen of the windows before; None where it begins anew.
        """
        return score_batch(self.scored, self.preprocess, batch, carried=carried)

    def share_weights(self) -> None:
        """Give all processes the weights of the first one."""
        for value in self.net.state_dict().values():
            self._ranks.broadcast_(value)

    def share_running_statistics(self) -> None:
        """Give all processes the first one's; those of the others are of other clips."""
        # in the same order in all processes, as a set of modules would not be
        for module in dict.fromkeys((self.net, self.scored)):
            for buffer in module.buffers():
                self._ranks.broadcast_(buffer)

    def is_finite(self) -> bool:
        """Whether all that would be saved is finite: also what the optimizer keeps."""
        return all_finite(self.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """Everything that steps change, and the mean, as that of the data may grow with them."""
        state: dict[str, Any] = {
            "net": self.net.state_dict(),
            "preprocess": self.preprocess.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        if self._average:
            state["ema"] = self._average.state_dict()
        if self._carried is not None:
            state["carried"] = self._carried.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to where `state_dict` was taken."""
        self.net.load_state_dict(state["net"])
        if "preprocess" in state:  # older checkpoints are of data to which nothing was appended
            self.preprocess.load_state_dict(state["preprocess"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self._average:
            self._average.load_state_dict(state["ema"])
        if self._carried is not None:
            self._carried.load_state_dict(state["carried"], self.processor.device)


def _new_net(
    options: TrainOptions,
    classes: int,
    mean: Tensor | None,
    frame_kind: FrameKind,
    processor: Processor,
) -> tuple[LRCN, Preprocess]:
    """A net as its options and the seed make it, and the preprocessing that it goes with."""
    config = replace(options.net, classes=classes, channels=frame_kind.channels)
    torch.manual_seed(options.seed)
    net = move_net(LRCN(config), processor)
    preprocess = Preprocess.for_net(net, mean, mirrored_channels=frame_kind.mirrored_channels)
    return net, preprocess.to(processor.device)
