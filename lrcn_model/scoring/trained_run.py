"""The final weights: one safetensors file with all that scoring and predicting need.

Tensors are the net's and the preprocessing's (the mean); the rest is in the record beside them.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from lrcn_data.errors import LrcnError, UsageError
from lrcn_data.format.frame_kind import FrameKind
from lrcn_data.format.frame_kinds import RGB_FRAMES
from lrcn_data.size import Size
from lrcn_data.storage.atomic_file import write_failure
from lrcn_model.nets.carried_state import CarriedState
from lrcn_model.nets.frame_differences import FRAMES
from lrcn_model.nets.head import is_causal
from lrcn_model.nets.net import LRCN
from lrcn_model.nets.net_config import NetConfig
from lrcn_model.nets.net_plugins import check_named, check_versions, net_plugins
from lrcn_model.processor import Processor, choose_processor, move_net
from lrcn_model.ranks import ranks_from_environment
from lrcn_model.reading.augmentation import ClipChange
from lrcn_model.reading.clip_batch import ClipBatch
from lrcn_model.reading.open_shards import Wanted
from lrcn_model.reading.preprocess import Preprocess
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.reading.video_seconds import VideoSeconds
from lrcn_model.run_folder import CONFIG, RunFolder
from lrcn_model.scoring.calibration import Calibration
from lrcn_model.scoring.run_weights import find_weights, read_weights
from lrcn_model.scoring.score_batch import score_batch
from lrcn_model.tensor_file import tensors_as_bytes, write_tensors

_VERSION, _MULTI_LABEL_VERSION, _IN_TIME_VERSION = 2, 3, 4
"""The record's version. Since 2 the net's parts are there as in the options; 1 is read too. That of
a net for several labels a clip is 3, and that of one for labels in time 4, so that older versions
don't take them for one of one label a clip."""

_NET, _PREPROCESS = "net.", "preprocess."


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """What a net was trained for.

    Attributes:
        classes: The class names, by class number.
        seq_len: The number of frames in a clip; the largest one where clips differ in it.
        fps: The frame rate of the clips, in frames a second.
        average: Which scores of a video's frames are averaged.
        stored_size: (width, height), in pixels, that frames were resized to before they were
            stored in shards; None for their own size.
        trained: The epochs, steps and accuracy that the weights stand for, which only people read.
        recipe: How the clips were made from videos: options of `lrcn-data shard`, by name, as the
            manifest has them; empty in the files of older versions.
        frame_kind: The name of the kind of frames that the net was trained on.
        frame_plugins: The version of the plug-in that made the frames, by its name; empty if none
            did.
        calibration: How the probabilities of videos are corrected; None where that was not learnt.
        multi_label: Whether a clip has a set of classes, instead of one.
        labels_in_time: Whether frames have classes of their own.
        window: The number of frames of the windows, cut from those of seq_len frames, that the net
            was trained on; 0 for whole videos, None for windows as they were stored.
        carry_state: Whether the head goes on with what it has seen of the windows before.
        smooth: The number of frames that a frame's probabilities are averaged over.
        video_seconds: How long the videos were, where a clip is drawn from all of its video; None
            for other clips, and in the files of older versions.
    """

    classes: list[str]
    seq_len: int
    fps: Fraction
    average: str
    stored_size: Size | None
    trained: Mapping[str, Any]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    frame_kind: str = RGB_FRAMES
    frame_plugins: Mapping[str, str] = field(default_factory=dict)
    calibration: Calibration | None = None
    multi_label: bool = False
    labels_in_time: bool = False
    window: int | None = None
    carry_state: bool = False
    smooth: int = 1
    video_seconds: VideoSeconds | None = None

    @property
    def stored_seq_len(self) -> int:
        """The number of frames of the stored clips, of which the net was trained on seq_len."""
        return int(self.recipe.get("seq_len", self.seq_len))

    @property
    def sampled(self) -> dict[str, Any]:
        """The recipe with the frame rate, which older runs have recorded beside it."""
        return {"fps": str(self.fps), **self.recipe}

    def as_record(self) -> dict[str, Any]:
        """The facts as the weights' file has them; plain RGB frames and one label aren't named."""
        record = {**asdict(self), "fps": str(self.fps)}
        if self.frame_kind == RGB_FRAMES:
            del record["frame_kind"], record["frame_plugins"]
        if self.calibration is None:
            del record["calibration"]
        if not self.multi_label:
            del record["multi_label"]
        if not self.labels_in_time:
            for name in ("labels_in_time", "window", "carry_state", "smooth"):
                del record[name]
        if self.video_seconds is None:
            del record["video_seconds"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read the facts back; those that older versions didn't know have their defaults.

        Raises:
            KeyError: A value is missing.
            TypeError: A value is of another type.
            ValueError: A value is impossible.
        """
        return cls(
            classes=record["classes"],
            seq_len=record["seq_len"],
            fps=Fraction(record["fps"]),
            average=record["average"],
            # those written before have none
            stored_size=tuple(record["stored_size"]) if record.get("stored_size") else None,
            trained=record["trained"],
            recipe=record.get("recipe", {}),
            frame_kind=record.get("frame_kind", RGB_FRAMES),
            frame_plugins=record.get("frame_plugins", {}),
            calibration=Calibration.from_json(found)
            if (found := record.get("calibration"))
            else None,
            multi_label=record.get("multi_label", False),
            labels_in_time=record.get("labels_in_time", False),
            window=record.get("window"),
            carry_state=record.get("carry_state", False),
            smooth=record.get("smooth", 1),
            video_seconds=VideoSeconds(**lengths)
            if (lengths := record.get("video_seconds"))
            else None,
        )

    @property
    def version(self) -> int:
        """The version of a record that has these facts."""
        if self.labels_in_time:
            return _IN_TIME_VERSION
        return _MULTI_LABEL_VERSION if self.multi_label else _VERSION


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainedRun:
    """A trained net with all that it needs.

    Attributes:
        net: The net, in evaluation mode.
        preprocess: The module that turns stored pixels into what the net sees.
        facts: What the net was trained for.
        processor: The processor that the net runs on.
        name: What the run is called in error messages.
    """

    net: LRCN
    preprocess: Preprocess
    facts: RunFacts
    processor: Processor
    name: str = "that was loaded"

    @property
    def wanted(self) -> Wanted:
        """What clips must be like so that the net can score them."""
        facts = self.facts
        return Wanted(
            what=f"the run {self.name} has",
            classes=facts.classes,
            multi_label=facts.multi_label,
            labels_in_time=facts.labels_in_time,
            seq_len=facts.seq_len if facts.window is None else None,
            frame_kind=facts.frame_kind,
            recipe=facts.sampled,
        )

    @property
    def causal(self) -> bool:
        """Whether the net's scores of a frame depend on no frame after it."""
        return is_causal(self.net.head)

    @property
    def clip_by_clip(self) -> bool:
        """Whether the CNN sees a clip's frames together, as it sees differences between them."""
        return self.net.config.frame_input != FRAMES

    @property
    def why_no_stream(self) -> str | None:
        """Why frames can't be scored as they come, and what to do; None where they can."""
        if self.causal:
            return None
        return (
            f"the run {self.name} has --head {self.net.config.head}, which looks at frames to come,"
            " so a stream can't be scored as it comes; predict whole videos, or train with a head"
            " that isn't bidirectional and whose input isn't centered"
        )

    def clips_of(self, data: ShardDataset) -> ShardDataset:
        """The clips of shards as the net was trained on such: with fewer of their frames, or all.

        Raises:
            UsageError: So many frames can't be taken of them.
        """
        facts = self.facts
        if facts.seq_len < facts.stored_seq_len == data.seq_len:
            return data.with_seq_len(facts.seq_len)
        return data

    @torch.inference_mode()
    def score(
        self,
        batch: ClipBatch,
        change: ClipChange | None = None,
        carried: CarriedState | None = None,
    ) -> Tensor:
        """Score a batch.

        Args:
            batch: The clips, on the run's device.
            change: What is done to each of the clips before; None for nothing.
            carried: What the head has seen of the windows before; None where it begins anew.

        Returns:
            The scores before any softmax or sigmoid, float32 (clips, frames, classes), on the same
            device.
        """
        changes = None if change is None else [change] * len(batch)
        with self.processor.autocast():
            scores = score_batch(self.net, self.preprocess, batch, changes, carried)
        return scores.float()

    @torch.inference_mode()
    def features(self, batch: ClipBatch, change: ClipChange | None = None) -> Tensor:
        """What the CNN makes of a batch; `score_features` goes on with it.

        Args:
            batch: The clips, on the run's device.
            change: What is done to each of the clips before; None for nothing.

        Returns:
            As `LRCN.features` returns it.
        """
        changes = None if change is None else [change] * len(batch)
        with self.processor.autocast():
            return self.net.features(self.preprocess(batch, changes), batch.lengths)

    @torch.inference_mode()
    def score_features(
        self, features: Tensor, lengths: Tensor | None = None, state: Any = None
    ) -> tuple[Tensor, Any]:
        """Score frames of which there are features.

        Args:
            features: What `features` returned, on the run's device.
            lengths: The number of real frames of each clip, int64 (clips,); None where all are.
            state: What a causal head returned for the frames before; None where it begins anew.

        Returns:
            The scores before any softmax or sigmoid, float32 (clips, frames, classes), and the
            state to go on with.
        """
        with self.processor.autocast():
            scores, state = self.net.score_features(features, lengths, state)
        return scores.float(), state

    @torch.inference_mode()
    def score_frames(self, frames_BTHWC: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score plain frames, wherever they come from.

        Args:
            frames_BTHWC: The frames, uint8 (clips, frames, height, width, channels), of any size.
            lengths: The number of real frames of each clip, int64 (clips,), the rest only
                repeating the last one; None where all are real.

        Returns:
            The scores before any softmax, float32 (clips, frames, classes), on the run's device.
        """
        device = self.processor.device
        frames_BTCHW = frames_BTHWC.to(device).movedim(-1, -3)
        lengths = None if lengths is None else lengths.to(device)
        with self.processor.autocast():
            scores: Tensor = self.net(self.preprocess.core(frames_BTCHW), lengths)
        return scores.float()

    def for_frames(self, kind: FrameKind) -> TrainedRun:
        """The run, which mirrors frames as their kind says that they are mirrored.

        Args:
            kind: The kind of frames that the net was trained on, which the run has by name only.
        """
        if not kind.mirrored_channels:
            return self
        preprocess = Preprocess.for_net(
            self.net, self.preprocess.mean, mirrored_channels=kind.mirrored_channels
        )
        return replace(self, preprocess=preprocess.to(self.processor.device))


AnyRun = TrainedRun | str | os.PathLike[str]


def save_weights(path: Path, net: LRCN, preprocess: Preprocess, facts: RunFacts) -> None:
    """Write the weights; the file is there whole or not at all.

    Args:
        path: The file to write.
        net: The net whose weights are kept.
        preprocess: The module that turns stored pixels into what the net sees; its mean is kept.
        facts: What the net was trained for.

    Raises:
        LrcnError: The file can't be written.
    """
    tensors = {_NET + name: value for name, value in net.state_dict().items()}
    tensors |= {_PREPROCESS + name: value for name, value in preprocess.state_dict().items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    plugins = net_plugins(net.config)
    record = {
        "version": facts.version,
        "net": net.config.to_json(),
        **({"plugins": plugins} if plugins else {}),
        **facts.as_record(),
    }
    write_tensors(path, record, tensors)


def save_calibration(run: TrainedRun, calibration: Calibration) -> None:
    """Write a calibration into the weights' file of a run, which is otherwise unchanged.

    Args:
        run: The trained net as `load_run` gave it.
        calibration: What is written.

    Raises:
        LrcnError: The run is being trained or was since the net was loaded, or the file can't be
            written.
    """
    folder, name = find_weights(run.name)
    file = folder.at(name)
    try:
        with folder.lock() as still_held, folder.local_file(name) as path:
            record, tensors = read_weights(path, file)
            if record["trained"] != run.facts.trained:
                raise LrcnError(f"{file} has other weights by now; calibrate them again")
            still_held()
            data = tensors_as_bytes({**record, "calibration": asdict(calibration)}, tensors)
            folder.write(name, data)
    except OSError as error:
        raise write_failure(file, error) from error


def load_run(
    run: str | os.PathLike[str],
    processor: Processor | None = None,
    plugins: Collection[str] = (),
    *,
    device: str = "auto",
    amp: str = "off",
) -> TrainedRun:
    """Read a trained net from a run's folder, or from its weights' file.

    Args:
        run: The path or URL of the run's folder, or of its weights' file.
        processor: The processor that the net is to run on; None for the one that `device` and
            `amp` ask for.
        plugins: Names of plug-ins, `package.module:function`, that may be imported where the run's
            net has them; no others are.
        device: The device to compute on: "auto" for a GPU if there is one, "cpu" or "cuda".
        amp: The mixed precision to compute in: "off", "bf16", "fp16" or "auto".

    Raises:
        UsageError: There is no such device, there is no run, it has no weights yet, or its net has
            a plug-in that is not named or has another version now.
        LrcnError: The weights are damaged, or of a later version.
    """
    if processor is None:
        processor = choose_processor(device, amp, local_rank=ranks_from_environment().local_rank)
    folder, name = find_weights(run)
    path = folder.at(name)
    try:
        with folder.local_file(name) as file:
            record, tensors = read_weights(file, path)
    except OSError as error:
        raise LrcnError(f"{path} can't be read: {error}") from error
    try:
        check_version(record, path)
        config = NetConfig.from_json(record["net"])
        check_named(config, str(run), plugins)
        check_versions(config, str(run), record.get("plugins", {}))
        net = LRCN(config)
        net.load_state_dict(_part(tensors, _NET))
        preprocess = Preprocess.for_net(net, tensors[_PREPROCESS + "mean"])
        facts = RunFacts.from_record(record)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        raise LrcnError(f"{path} doesn't hold a trained net: {error}") from error
    move_net(net, processor).eval()
    return TrainedRun(
        net=net,
        preprocess=preprocess.to(processor.device),
        facts=facts,
        processor=processor,
        name=os.fspath(run),
    )


def check_version(record: Mapping[str, Any], name: str) -> None:
    """Refuse the record of a run that a later version has written.

    Args:
        record: The record.
        name: What has it, for the error's message.

    Raises:
        LrcnError: A later version has written it.
        KeyError: It has no version.
    """
    if record["version"] > _IN_TIME_VERSION:
        raise LrcnError(
            f"{name} has version {record['version']}, this lrcn reads up to {_IN_TIME_VERSION};"
            " upgrade lrcn"
        )


def folder_of(run: TrainedRun) -> RunFolder:
    """The folder of the training that a net is from.

    Raises:
        UsageError: The net's weights don't lie in such a folder.
    """
    found, _ = find_weights(run.name)
    folder = RunFolder(found.location)
    if not folder.exists():
        raise UsageError(f"{run.name} doesn't lie in the folder of a run, which has a {CONFIG}")
    return folder


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
