"""The network: a CNN for each frame, a head over a clip's frames, and a class at every frame.

Frames come in as `Preprocess` gives them. What is made of the scores is in `scoring.loss` and
`scoring.scorer`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lrcn_data.errors import UsageError
from lrcn_model.nets.clip_by_clip import features_clip_by_clip
from lrcn_model.nets.cnn import Expects
from lrcn_model.nets.cnns import CNNS
from lrcn_model.nets.first_weights import kaiming
from lrcn_model.nets.frame_differences import BOTH, FRAMES, as_seen, without_some_frames
from lrcn_model.nets.head import is_causal
from lrcn_model.nets.heads import HEADS
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.side_by_side import side_by_side

_OLD_HEAD, _HEAD = "lstm.", "head.lstm."

_DIMS_OF_FRAMES, _DIMS_OF_FEATURES = 4, 2
"""The dimensions of clips' frames, and of their features, that come one clip after another."""


class LRCN(nn.Module):
    """A CNN and an LSTM, the "long-term recurrent convolutional network" of Donahue et al.

    Either can be replaced by another part, by its name in the config. The first weights are drawn
    from torch's global generator.

    Args:
        config: What the net is built from.

    Attributes:
        config: What the net was built from.
        cnn: The CNN, which turns what it sees of frames, (N, channels, H, W), into features (N,
            features).
        head: The head, which turns features into hidden values along a clip; see `nets.head`.
        dropout: The dropout between head and classifier; it does nothing where the head has no
            weights.
        classifier: The linear layer that turns hidden values into scores.

    Raises:
        UsageError: The config has no classes, or a part can't be built or doesn't say how many
            numbers it gives.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        if config.classes < 1:
            raise UsageError(f"a net needs at least 1 class, got {config.classes}")
        self.config = config
        self.cnn = CNNS.load(config.cnn.name)(config.for_cnn)
        features = _said(self.cnn, "features", f"--cnn {config.cnn.name}")
        self.head = HEADS.load(config.head.name)(config, features)
        hidden = _said(self.head, "hidden", f"--head {config.head.name}")
        learns = any(True for _ in self.head.parameters())
        # what a head without weights passes on has gone through the CNN's own dropout
        self.dropout = nn.Dropout(config.dropout) if learns else nn.Identity()
        self.classifier = nn.Linear(hidden, config.classes)
        # after all are built, and in this order, which decides what a seed draws
        for part in (self.cnn, self.head):
            initialize = getattr(part, "initialize", None)
            if initialize is not None:
                initialize()
        kaiming(self.classifier)
        self.register_load_state_dict_pre_hook(_rename_old)  # type: ignore[no-untyped-call]

    @property
    def expects(self) -> Expects:
        """The numbers that the CNN expects its frames to be made of."""
        expects = getattr(self.cnn, "expects", None)
        if not isinstance(expects, Expects):
            return Expects()
        if self.config.frame_input != BOTH:
            return expects
        # of a CNN that sees differences as well, those of the frames
        channels = self.config.channels
        mean, std = (values and values[:channels] for values in (expects.mean, expects.std))
        return replace(expects, mean=mean, std=std)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score every class at every frame.

        Args:
            frames: Preprocessed frames, float (clips, frames, channels, height, width), of the
                config's size. Of clips that differ in their number of frames float (frames,
                channels, height, width), one clip after another: so the CNN sees real frames only.
            lengths: The number of real frames of each clip, int64 (clips,), the rest only
                repeating the last one; None where all are real. Heads that look forward need it. Of
                clips one after another it must be given, best on the host, where it is needed.

        Returns:
            The scores before any softmax, float (clips, frames, classes), of as many frames as the
            longest clip has. With a causal head a frame's scores depend only on the frames of its
            clip up to it; with any head those of real frames depend on real frames only.

        Raises:
            UsageError: Frames of clips one after another come without lengths.
        """
        scores_BTC, _ = self._scored(frames, lengths, None)
        return scores_BTC

    def step(self, frames: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Score frames as they come, one by one or several at a time.

        The scores of all pieces together are those that `forward` gives for the whole; the net
        must be in evaluation mode for that. Only causal heads can do it; of the built-in ones,
        `lstm` and `gru` that are not bidirectional, and `none`.

        Args:
            frames: The preprocessed frames that come next, float (clips, frames, channels, height,
                width).
            state: The state that the call for the frames before returned; None at the start of the
                clips.

        Returns:
            The scores before any softmax, float (clips, frames, classes), and the state to go on
            with.

        Raises:
            UsageError: The head needs the frames to come.
        """
        if not is_causal(self.head):
            raise UsageError(
                f"--head {self.config.head} looks at frames to come, so frames can't be scored as"
                " they come; score whole clips, or train a net with another head"
            )
        if self.config.frame_input == FRAMES:
            return self._scored(frames, None, state)
        before, inner = (None, None) if state is None else state
        features = self.features(frames, before=before)
        scores, inner = self.score_features(features, None, inner)
        return scores, (frames[:, -1], inner)

    def _scored(self, frames: Tensor, lengths: Tensor | None, state: Any) -> tuple[Tensor, Any]:
        return self.score_features(self.features(frames, lengths), lengths, state)

    def features(
        self, frames: Tensor, lengths: Tensor | None = None, before: Tensor | None = None
    ) -> Tensor:
        """What the CNN makes of clips' frames.

        On a CPU a CNN in evaluation mode takes them clip by clip, if no gradients are wanted.

        Args:
            frames: As `forward` takes them.
            lengths: As `forward` takes it; needed only of clips one after another.
            before: The frame before the first one of each clip, float (clips, channels, height,
                width), for differences to it; None where clips begin.

        Returns:
            The features, float (clips, frames, features); of clips one after another float (frames,
            features).

        Raises:
            UsageError: Frames of clips one after another come without lengths, or the CNN gives
                other features than it says.
        """
        one_after_another = frames.dim() == _DIMS_OF_FRAMES
        shape = frames.shape[:1] if one_after_another else frames.shape[:2]
        if before is not None:
            frames = torch.cat([before[:, None], frames], dim=1)
        skipped = 0 if before is None else 1

        def seen(clips: Tensor) -> Tensor:
            shown = as_seen(self.config.frame_input, clips)[..., skipped:, :, :, :]
            if not (self.cnn.training and self.config.modality_dropout):
                return shown
            return without_some_frames(shown, self.config.modality_dropout)

        traced = torch.compiler.is_compiling()
        learning = self.cnn.training or torch.is_grad_enabled()
        if frames.device.type == "cpu" and not (learning or traced):
            clips = torch.split(frames, _given(lengths)) if one_after_another else frames.unbind()
            features_NF = features_clip_by_clip(lambda clip: self.cnn(seen(clip)), clips)
        elif not one_after_another:
            features_NF = self.cnn(seen(frames).flatten(0, 1))
        elif self.config.frame_input == FRAMES:
            features_NF = self.cnn(frames)
        else:
            clips = torch.split(frames, _given(lengths))
            features_NF = self.cnn(torch.cat([seen(clip) for clip in clips]))
        if list(features_NF.shape[1:]) != [self.cnn.features]:
            raise UsageError(
                f"--cnn {self.config.cnn} turns {len(features_NF)} frames into features of the"
                f" shape {tuple(features_NF.shape)}, and says that they are {self.cnn.features}"
                " a frame; correct the CNN, or its attribute `features`"
            )
        return features_NF.view(*shape, *features_NF.shape[1:])

    def score_features(
        self, features: Tensor, lengths: Tensor | None, state: Any
    ) -> tuple[Tensor, Any]:
        """Score every class at every frame, given what the CNN has made of the frames.

        Args:
            features: The CNN's features, as `features` returns them.
            lengths: As `forward` takes it.
            state: As `step` takes it.

        Returns:
            The scores, float (clips, frames, classes), and the state to go on with.

        Raises:
            UsageError: Features of clips one after another come without lengths.
        """
        if features.dim() == _DIMS_OF_FEATURES:
            features = side_by_side(features, _given(lengths))
        if lengths is not None:
            lengths = lengths.to(features.device)
        hidden_BTH, state = self.head(features, lengths, state)
        return self.classifier(self.dropout(hidden_BTH)), state


class FromFeatures(nn.Module):
    """A net without its CNN: what learns where the CNN doesn't.

    Args:
        net: The net, whose head and classifier these are.
    """

    def __init__(self, net: LRCN) -> None:
        super().__init__()
        self.net = net

    def forward(self, features: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score every class at every frame; see `LRCN.score_features`."""
        return self.net.score_features(features, lengths, None)[0]


def _given(lengths: Tensor | None) -> list[int]:
    """The lengths of clips that come one after another."""
    if lengths is None:
        raise UsageError(
            "clips that come one after another can't be told apart without their lengths; give the"
            " net those of the batch (net(frames, batch.lengths))"
        )
    found: list[int] = lengths.tolist()
    return found


def _said(part: nn.Module, name: str, source: str) -> int:
    """The number of values for a frame that a part says it gives."""
    number = getattr(part, name, None)
    if not isinstance(number, int):
        raise UsageError(
            f"{source} doesn't say how many numbers it gives for a frame; set self.{name} to that"
        )
    return number


def _rename_old(net: LRCN, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Give today's names to weights that were saved before there were heads."""
    old = prefix + _OLD_HEAD
    for name in [name for name in state if name.startswith(old)]:
        state[prefix + _HEAD + name.removeprefix(old)] = state.pop(name)
