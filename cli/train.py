"""`lrcn-train`: shards to a trained net."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from lrcn_data.plugins import is_plugin
from lrcn_data.size import size_text
from lrcn_model.nets.net_config import Part
from lrcn_model.training.cnn_defaults import CNN_DEFAULTS
from lrcn_model.training.option import (
    ByteCount,
    Choice,
    Flag,
    NetPart,
    Number,
    Option,
    PictureSize,
    Text,
    Texts,
    ValueKind,
    Weights,
    Whole,
    flag_of,
)
from lrcn_model.training.options import OPTIONS, TrainOptions
from lrcn_model.training.training_options import training_options

from .error_boundary import run
from .many_values import ManyValuesCommand
from .options import (
    HELP,
    LOCATION,
    PLACE,
    SOURCE,
    BytesType,
    KindType,
    SizeType,
    debug_option,
    frame_kind_option,
    json_option,
    log_option,
    pictures_option,
    version_option,
)
from .output import print_files, print_json, print_next, print_result, print_table, say, warn
from .prepare_torch import import_torch, require_torch
from .report import describe, make_report
from .train_progress import column_name

if TYPE_CHECKING:
    from lrcn_model.training.dry_run import DryRun
    from lrcn_model.training.run import Outcome
    from lrcn_model.training.run_choice import RunChoice


def _value_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every value of a training."""
    for name, value in reversed(OPTIONS.items()):
        flag = flag_of(name)
        names = f"{flag}/--no-{flag[2:]}" if isinstance(value.kind, Flag) else flag
        settings = {"default": _default(value), "show_default": _shown_default(name, value)}
        settings |= {"help": value.meaning, **_click_settings(value.kind)}
        function = click.option(names, name, **settings)(function)
    return function


def _default(value: Option) -> Any:
    """An option's default as it would be given on the command line."""
    if isinstance(value.default, Part):
        return value.default.name
    return None if value.default is None else value.kind.to_toml(value.default)


def _shown_default(name: str, value: Option) -> bool | str:
    """What the help says of an option's default: that itself, or in words."""
    suited = {cnn: values[name] for cnn, values in CNN_DEFAULTS.items() if name in values}
    if suited:
        others = (f"{value.kind.to_toml(own)} with --cnn {cnn}" for cnn, own in suited.items())
        return ", ".join([str(_default(value)), *others])
    return value.default_meaning or True


def _click_settings(kind: ValueKind) -> dict[str, Any]:
    """What click has to know of a kind of value, besides its name and its meaning."""
    match kind:
        case Whole(least=least, most=most):
            return {"type": click.IntRange(least, None if most == math.inf else int(most))}
        case ByteCount():
            return {"type": BytesType()}
        case Number():
            return {"type": _number_range(kind)}
        case Choice(choices):
            return {"type": click.Choice(choices)}
        case Text():
            return {"type": PLACE}
        case PictureSize():
            return {"type": SizeType()}
        case NetPart(kinds):
            return {"type": KindType(kinds)}
        case Texts(metavar=metavar):
            return {"type": PLACE, "multiple": True, "metavar": metavar}
        case Weights(metavar=metavar):
            return {"type": float, "multiple": True, "metavar": metavar}
        case _:
            return {}


def _number_range(kind: Number) -> click.FloatRange:
    """The range of a number as click knows it, which shows it in the help."""
    least = kind.above if kind.least is None else kind.least
    most = kind.most if kind.below is None else kind.below
    return click.FloatRange(
        least,
        None if most == math.inf else most,
        min_open=kind.least is None,
        max_open=kind.below is not None,
    )


def _option_groups() -> dict[str, list[str]]:
    """The names of all options under each heading of the help."""
    groups: dict[str, list[str]] = {}
    for name, value in OPTIONS.items():
        groups.setdefault(value.group, []).append(name)
    groups["Data"].append("plugins")
    groups["Run"] += ["config", "out", "resume", "fresh", "pictures", "dry_run", "report"]
    return groups


@click.command(
    cls=ManyValuesCommand,
    context_settings=HELP,
    name="train",
    goes_on=True,
    groups=_option_groups(),
    examples=[
        "lrcn-train --shards 'shards/train-*.tar' --val-shards 'shards/val-*.tar'",
        "lrcn-train --shards 'shards/train-*.tar' --cnn small --size 64x64 --dry-run",
        "lrcn-train --resume runs/paper-1a2b3c4d --epochs 20",
    ],
)
@_value_options
@click.option(
    "--config",
    type=SOURCE,
    help="A TOML file with any of the values above, by name, or the name of a preset that comes"
    " with lrcn, such as paper. Options on the command line override its values.",
)
@click.option(
    "--out",
    type=LOCATION,
    show_default="runs/<cnn>-<hash of data and values>",
    help="The folder that the run is written into.",
)
@click.option(
    "--resume",
    type=LOCATION,
    help="Go on with the run in this folder, with its own values; a larger --epochs extends it.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Throw away the run that is in the run's folder, and start from the beginning.",
)
@pictures_option(
    "Draw the learning curves at the end, and what the weights kept say of --val-shards: a"
    " confusion matrix, figures of each class, right and wrong clips."
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Build everything and do one step, then say what would be done, but write nothing.",
)
@click.option(
    "--report",
    is_flag=True,
    help="Write the page of `lrcn-report` into the run's folder at the end.",
)
@frame_kind_option
@json_option
@log_option
@debug_option
@version_option
def command(
    *,
    config: str | None,
    out: str | None,
    resume: str | None,
    fresh: bool,
    pictures: bool,
    dry_run: bool,
    report: bool,
    plugins: tuple[str, ...],
    as_json: bool,
    **values: Any,
) -> None:
    """Train a CNN with an LSTM on the clips of shards.

    If a training was stopped, the same command goes on from there; if it is finished, it says so.
    It writes into the run's folder: config.toml, metrics.jsonl, TensorBoard events, checkpoints,
    pictures, and weights.safetensors, which lrcn-eval and lrcn-predict use.
    """
    require_torch("tensorboard", "tomli_w")
    source = click.get_current_context().get_parameter_source
    given = {
        name: value for name, value in values.items() if source(name) is ParameterSource.COMMANDLINE
    }
    options = training_options(given, config=config, out=out, resume=resume, fresh=fresh)
    _say_what_comes(options)
    import_torch()
    from lrcn_model.training.run_choice import RunChoice

    choice = RunChoice(out=resume or out, fresh=fresh, plugins=plugins, pictures=pictures)
    if dry_run:
        _dry_run(options, choice, as_json=as_json)
        return
    outcome = _train(options, choice)
    if outcome.first:
        _show(outcome, options, choice, as_json=as_json)
        if report:
            _write_report(outcome, choice, as_json=as_json)


def _say_what_comes(options: TrainOptions) -> None:
    """Show a line at once, since importing torch takes seconds."""
    # as torchrun says it; what reads it elsewhere needs torch
    if options.shards and os.environ.get("RANK", "0") == "0":
        first, *others = options.shards
        more = f" and {len(others)} more" if others else ""
        say(f"getting ready to train {options.net.cnn} on {first}{more}")


def _train(options: TrainOptions, choice: RunChoice) -> Outcome:
    from lrcn_model.training.run import run_training
    from lrcn_model.training.stop_signals import Stopped, StopSignals

    from .train_progress import TrainProgress

    try:
        with StopSignals() as stop, TrainProgress() as progress:
            return run_training(options, choice, progress, stop)
    except Stopped as stopped:
        say(str(stopped))
        raise click.exceptions.Exit(stopped.exit_code) from None


def _show(outcome: Outcome, options: TrainOptions, choice: RunChoice, *, as_json: bool) -> None:
    from lrcn_model.run_folder import WEIGHTS, RunFolder
    from lrcn_model.scoring.calibration import describe
    from lrcn_model.training.metrics_log import kept_epoch

    epochs = outcome.epochs
    weights = RunFolder(outcome.folder).at(WEIGHTS)
    kept = kept_epoch(epochs)
    if as_json:
        print_json(
            {
                "run": str(outcome.folder),
                "trained": outcome.trained,
                "epochs": epochs,
                "kept": {
                    "epoch": kept["epoch"],
                    **_val_figure(kept),
                    "temperature": kept.get("val_temperature"),
                    "weights": weights,
                },
                "files": [str(path) for path in outcome.files],
            }
        )
        return
    _print_epochs(epochs)
    figure = column_name(*_val_figure(kept))
    print_result(_how_it_ended(outcome, options, len(epochs), figure))
    print_result(f"kept: {weights}, {_describe(kept)}")
    if "val_temperature" in kept:
        print_result(f"calibrated: {describe(kept['val_temperature'], kept['val_videos'])}")
    print_files(outcome.files)
    print_next(_next_command(outcome, options, choice))


def _write_report(outcome: Outcome, choice: RunChoice, *, as_json: bool) -> None:
    """Write the page that shows the run; whatever goes wrong, the training is done."""
    try:
        report = make_report((str(outcome.folder),), None, plugins=choice.plugins)
    except Exception as error:
        warn(f"the report can't be written: {error}; try `lrcn-report {outcome.folder}`")
        return
    # stdout is for the JSON alone
    (say if as_json else print_result)(describe(report))


def _describe(kept: Mapping[str, Any]) -> str:
    """The epoch whose weights a run keeps, in words."""
    [(key, value)] = _val_figure(kept).items()
    if key not in kept:
        return f"of epoch {kept['epoch']}, the last"
    return f"of epoch {kept['epoch']}, the best with a {column_name(key)} of {_shown(value)}"


def _shown(value: float | None, form: str = "{:.1%}") -> str:
    """A figure, or in words that nothing was counted."""
    return "nothing" if value is None else form.format(value)


def _val_figure(epoch: Mapping[str, Any]) -> dict[str, float | None]:
    """The figure by which an epoch was judged, by its name in metrics.jsonl, or None."""
    from lrcn_model.training.metrics_log import main_figure

    key = f"val_{main_figure(epoch)}" if "best" in epoch else "val_accuracy"
    return {key: epoch.get(key)}


def _next_command(outcome: Outcome, options: TrainOptions, choice: RunChoice) -> str:
    """The command that scores the run, on the test shards where they are known."""
    words = ["lrcn-eval", str(outcome.folder), "--shards"]
    words += outcome.test_shards or ["..."]
    for flag, part in (("--cnn", options.net.cnn), ("--head", options.net.head)):
        words += [flag, part.name] if is_plugin(part.name) else []
    for name in choice.plugins:
        words += ["--frame-kind", name]
    return shlex.join(words)


def _how_it_ended(outcome: Outcome, options: TrainOptions, epochs: int, figure: str) -> str:
    when = "finished" if outcome.trained else "finished before"
    if options.patience and epochs < options.epochs:
        return (
            f"{when}: {outcome.folder} stopped after {epochs} of {options.epochs} epochs, the last"
            f" {options.patience} without a better {figure}"
        )
    if outcome.trained:
        return f"finished: {outcome.folder}, epoch {epochs} of {options.epochs}"
    return (
        f"finished before: {outcome.folder}, epoch {epochs} of {epochs}; extend it with"
        f" `lrcn-train --resume {shlex.quote(str(outcome.folder))} --epochs {2 * epochs}`"
    )


def _print_epochs(epochs: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table

    from lrcn_model.training.metrics_log import MAIN_FIGURES

    table = Table()
    columns = {
        "epoch": "{:d}",
        "loss": "{:.4f}",
        "accuracy": "{:.1%}",
        **{f"val_{name}": "{:.1%}" for name in MAIN_FIGURES},
        "val_frame_accuracy": "{:.1%}",
        "seconds": "{:.1f}",
    }
    shown = {name: form for name, form in columns.items() if any(name in line for line in epochs)}
    for name in shown:
        table.add_column(column_name(name), justify="right")
    for line in epochs:
        table.add_row(*(_shown(line[name], form) for name, form in shown.items()))
    print_table(table)


def _dry_run(options: TrainOptions, choice: RunChoice, *, as_json: bool) -> None:
    from lrcn_model.training.dry_run import dry_run

    plan = dry_run(options, choice)
    if as_json:
        print_json({**asdict(plan), "values": options.to_toml()})
        return
    _print_layers(plan)
    goes_on = "go on with" if plan.goes_on else "start"
    val = f", validated with {plan.val_clips:,}" if plan.val_clips else ""
    print_result(f"would {goes_on} the run {plan.folder}")
    print_result(_describe_values(options))
    print_result(
        f"{plan.clips:,} clips{val}; {plan.steps_per_epoch:,} steps an epoch, {plan.steps:,} in all"
    )
    forward, both = plan.flop, plan.flop_with_backward
    print_result(f"{forward / 1e9:.3f} GFLOP a frame forward, {both / 1e9:.3f} with backward")
    print_result(
        f"one step: loss {plan.loss:.4f}, {plan.seconds:.2f} s, {plan.memory / 2**20:,.0f} MiB"
        f" at most, on {plan.processor}, {plan.workers} reading processes"
    )


def _describe_values(options: TrainOptions) -> str:
    """The values that decide most of how a training goes, in words."""
    return (
        f"{options.net.cnn} at {size_text(options.net.size)}, dropout {options.net.dropout:g};"
        f" {options.optimizer}, --lr {options.lr:g}, --batch-size {options.batch_size}"
        f"{_describe_windows(options)}"
    )


def _describe_windows(options: TrainOptions) -> str:
    """The windows that videos are cut into, in words; nothing where they aren't cut."""
    if options.window is None:
        return ""
    if options.window == 0:
        return "; whole videos"
    carried = ", state carried" if options.carry_state else ""
    return f"; windows of {options.window} every {options.window_stride or options.window}{carried}"


def _print_layers(plan: DryRun) -> None:
    from rich.table import Table

    table = Table()
    table.add_column("layer")
    table.add_column("kind")
    for name in ("output", "parameters", "MFLOP a frame"):
        table.add_column(name, justify="right")
    for layer in plan.layers:
        shape = "x".join(map(str, layer.shape))
        flop = f"{layer.flop / 1e6:,.1f}" if layer.flop else ""
        parameters = f"{layer.parameters:,}" if layer.parameters else ""
        table.add_row(layer.name, layer.kind, shape, parameters, flop)
    table.add_section()
    all_parameters = sum(layer.parameters for layer in plan.layers)
    table.add_row("all", "", "", f"{all_parameters:,}", f"{plan.flop / 1e6:,.1f}")
    print_table(table)


def main() -> None:
    """Entry point of `lrcn-train`."""
    run(command, "lrcn-train")


if __name__ == "__main__":
    main()
