"""How a run shows itself: pictures and tables in its folder, and the same in TensorBoard.

Nothing here is worth a training: what can't be drawn is only told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lrcn_data.fonts import Fonts
from lrcn_data.format.sample_frames import spread_frames
from lrcn_data.format.shard_reader import DataSet
from lrcn_model.pictures.clip_sheet import FRAMES, ShownClip, clip_sheet
from lrcn_model.pictures.written_files import WrittenFiles, write_files
from lrcn_model.reading.shard_dataset import ShardDataset
from lrcn_model.run_folder import RunFolder
from lrcn_model.scoring.evaluation_files import write_evaluation_files
from lrcn_model.scoring.find_evaluation import read_any_evaluation
from lrcn_model.training.learning_curves import draw_learning_curves
from lrcn_model.training.metrics_log import epoch_lines
from lrcn_model.training.options import TrainOptions

_CLIPS = 12

_PICTURES = {".png", ".jpg"}


def show_beginning(folder: RunFolder, options: TrainOptions, train: DataSet) -> list[str]:
    """Have TensorBoard show the values of a training, and some of its clips.

    Returns:
        A sentence for each thing that couldn't be shown.
    """
    try:
        with _events(folder) as writer:
            _add_values(writer, options)
            sheet = clip_sheet([("clips that are trained on", _some_clips(train))], [], Fonts())
            writer.add_image("clips", np.asarray(sheet), 0, dataformats="HWC")
    except Exception as error:
        return [f"TensorBoard doesn't show the clips: {error}"]
    return []


def show_end(folder: RunFolder, val: ShardDataset | None) -> WrittenFiles:
    """Draw the learning curves of a training, and what its weights say of the clips of val.

    Args:
        folder: The run's folder.
        val: The shards that were validated with; None for none.
    """
    curves = folder.learning_curves
    made = write_files(
        folder.path, {curves.name: lambda path: draw_learning_curves(path, folder.metrics)}
    )
    paths, problems = list(made.paths), list(made.problems)
    try:
        if folder.validation.exists():
            found = read_any_evaluation(folder.validation)
            pictures = folder.validation.with_suffix("")
            made = write_evaluation_files(found, pictures, val.data_set if val else None)
            paths, problems = [*paths, *made.paths], [*problems, *made.problems]
        _add_pictures(folder, paths)
    except Exception as error:
        problems.append(f"{folder.path} doesn't show all that it could: {error}")
    return WrittenFiles(paths=paths, problems=problems)


def _some_clips(data: DataSet) -> list[ShownClip]:
    """Clips from all over the data set."""
    numbers = np.unique(np.linspace(0, len(data) - 1, _CLIPS).round().astype(int)).tolist()
    return [_clip(data, number) for number in numbers]


def _clip(data: DataSet, number: int) -> ShownClip:
    sample = data.read_sample(number)
    return ShownClip(
        video=sample.record.video,
        frames=[frame for _, frame in spread_frames(sample, FRAMES)],
        label=sample.label,
        truth=", ".join(filter(None, sample.record.names)) or "none of the classes",
    )


@contextmanager
def _events(folder: RunFolder) -> Iterator[Any]:
    """TensorBoard's events of the run, beside those that the training writes."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder.tensorboard))
    try:
        yield writer
    finally:
        writer.close()


def _add_values(writer: Any, options: TrainOptions) -> None:
    from torch.utils.tensorboard import summary

    values = {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in options.to_toml().items()
    }
    # SummaryWriter.add_hparams would make a run of its own of them
    hparams: Any = summary.hparams
    for part in hparams(values, {"epoch/loss": None, "epoch/accuracy": None}):
        writer.file_writer.add_summary(part)


def _add_pictures(folder: RunFolder, paths: Sequence[Path]) -> None:
    from PIL import Image

    step = epoch_lines(folder.metrics)[-1]["step"]
    with _events(folder) as writer:
        for path in paths:
            if path.suffix in _PICTURES:
                name = path.relative_to(folder.path).with_suffix("").as_posix()
                with Image.open(path) as picture:
                    pixels = np.asarray(picture.convert("RGB"))
                writer.add_image(name, pixels, step, dataformats="HWC")
