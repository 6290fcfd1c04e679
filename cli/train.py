"""`lrcn-train`: shards to a trained net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import UsageError
from lrcn_model.nets.net_config import Part
from lrcn_model.training.option import (
    Choice,
    Flag,
    NetPart,
    Number,
    Option,
    PictureSize,
    Texts,
    ValueKind,
    Whole,
    flag_of,
)
from lrcn_model.training.options import OPTIONS, TrainOptions, read_config
from lrcn_model.training.presets import find_config

from .error_boundary import run
from .many_values import ManyValuesCommand
from .options import (
    HELP_NAMES,
    LOCATION,
    SizeType,
    debug_option,
    frame_kind_option,
    json_option,
    kinds_metavar,
    version_option,
)
from .output import print_json
from .prepare_torch import prepare_torch

if TYPE_CHECKING:
    from lrcn_model.training.dry_run import DryRun
    from lrcn_model.training.run import Outcome
    from lrcn_model.training.run_choice import RunChoice


def _value_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every value of a training; an option that isn't given is None."""
    for name, value in reversed(OPTIONS.items()):
        flag = flag_of(name)
        settings = {"default": None, "help": value.meaning, **_click_settings(value.kind)}
        default = _shown(value)
        if default is not None:
            settings["help"] += f" [default: {default}]"
        names = f"{flag}/--no-{flag[2:]}" if isinstance(value.kind, Flag) else flag
        function = click.option(names, name, **settings)(function)
    return function


def _shown(value: Option) -> Any:
    """An option's default as the help shows it; None where it needn't be shown."""
    if isinstance(value.kind, Flag | Texts):
        return None
    if isinstance(value.default, Part):
        return value.default.name
    return None if value.default is None else value.kind.to_toml(value.default)


def _click_settings(kind: ValueKind) -> dict[str, Any]:
    """What click has to know of a kind of value, besides its name and its meaning."""
    match kind:
        case Whole():
            return {"type": int}
        case Number():
            return {"type": float}
        case Choice(choices):
            return {"type": click.Choice(choices)}
        case PictureSize():
            return {"type": SizeType()}
        case NetPart(kinds):
            return {"metavar": kinds_metavar(kinds)}
        case Texts(metavar=metavar):
            return {"multiple": True, "metavar": metavar}
        case _:
            return {}


@click.command(cls=ManyValuesCommand, context_settings=HELP_NAMES, name="train")
@_value_options
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="A TOML file with any of the values above, by name, or the name of a preset that comes"
    " with lrcn, such as paper. Options on the command line override its values.",
)
@click.option(
    "--out",
    type=LOCATION,
    help="The folder that the run is written into. [default: runs/<cnn>-<hash of data and values>]",
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
@click.option(
    "--dry-run",
    is_flag=True,
    help="Build everything and do one step, then say what would be done, but write nothing.",
)
@frame_kind_option
@json_option
@debug_option
@version_option
def command(
    *,
    config: Path | None,
    out: str | None,
    resume: str | None,
    fresh: bool,
    dry_run: bool,
    plugins: tuple[str, ...],
    as_json: bool,
    **values: Any,
) -> None:
    """Train a CNN with an LSTM on the clips of shards.

    If a training was stopped, the same command goes on from there; if it is finished, it says so.
    It writes into the run's folder: config.toml, metrics.jsonl, TensorBoard events, checkpoints,
    and weights.safetensors, which lrcn-eval and lrcn-predict use.
    """
    prepare_torch(to_train=True)
    given = {name: value for name, value in values.items() if value not in (None, ())}
    options = _options(given, config=config, resume=resume, out=out, fresh=fresh)
    from lrcn_model.training.run_choice import RunChoice

    choice = RunChoice(out=resume or out, fresh=fresh, plugins=plugins)
    if dry_run:
        _dry_run(options, choice, as_json=as_json)
        return
    outcome = _train(options, choice)
    if outcome.first:
        _show(outcome, options, as_json=as_json)


def _options(
    given: dict[str, Any],
    *,
    config: Path | None,
    resume: str | None,
    out: str | None,
    fresh: bool,
) -> TrainOptions:
    """The values given on the command line, then those of the TOML file, then the defaults."""
    if resume is None:
        return TrainOptions().with_values(read_config(find_config(config)) if config else {}, given)
    for name, other in (("--config", config), ("--out", out), ("--fresh", fresh)):
        if other:
            raise UsageError(f"--resume goes on with a run as it is, and doesn't go with {name}")
    from lrcn_model.training.run_choice import resumed_options

    return resumed_options(resume, given)


def _train(options: TrainOptions, choice: RunChoice) -> Outcome:
    from lrcn_model.training.run import run_training
    from lrcn_model.training.stop_signals import Stopped, StopSignals

    from .train_progress import TrainProgress

    try:
        with StopSignals() as stop, TrainProgress() as progress:
            return run_training(options, choice, progress, stop)
    except Stopped as stopped:
        click.echo(str(stopped), err=True)
        raise click.exceptions.Exit(stopped.exit_code) from None


def _show(outcome: Outcome, options: TrainOptions, *, as_json: bool) -> None:
    from lrcn_model.run_folder import RunFolder
    from lrcn_model.training.metrics_log import epoch_lines

    folder = RunFolder(outcome.folder)
    epochs = epoch_lines(folder.metrics)
    if as_json:
        print_json({"run": str(folder.path), "trained": outcome.trained, "epochs": epochs})
        return
    _print_epochs(epochs)
    click.echo(_how_it_ended(outcome, options, len(epochs)))
    click.echo(f"score it with `lrcn-eval {folder.path} --shards ...`")


def _how_it_ended(outcome: Outcome, options: TrainOptions, epochs: int) -> str:
    when = "finished" if outcome.trained else "finished before"
    if options.patience and epochs < options.epochs:
        return (
            f"{when}: {outcome.folder} stopped after {epochs} of {options.epochs} epochs, the last"
            f" {options.patience} without a better val accuracy"
        )
    if outcome.trained:
        return f"finished: {outcome.folder}, epoch {epochs} of {options.epochs}"
    return (
        f"finished before: {outcome.folder}, epoch {epochs} of {epochs}; extend it with"
        f" `lrcn-train --resume {outcome.folder} --epochs {2 * epochs}`"
    )


def _print_epochs(epochs: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    columns = {
        "epoch": "{:d}",
        "loss": "{:.4f}",
        "accuracy": "{:.1%}",
        "val_accuracy": "{:.1%}",
        "val_frame_accuracy": "{:.1%}",
        "seconds": "{:.1f}",
    }
    shown = {name: form for name, form in columns.items() if any(name in line for line in epochs)}
    for name in shown:
        table.add_column(name.replace("_", " "), justify="right")
    for line in epochs:
        table.add_row(*(form.format(line[name]) for name, form in shown.items()))
    Console().print(table)


def _dry_run(options: TrainOptions, choice: RunChoice, *, as_json: bool) -> None:
    from lrcn_model.training.dry_run import dry_run

    plan = dry_run(options, choice)
    if as_json:
        print_json(asdict(plan))
        return
    _print_layers(plan)
    goes_on = "go on with" if plan.goes_on else "start"
    val = f", validated with {plan.val_clips:,}" if plan.val_clips else ""
    click.echo(f"would {goes_on} the run {plan.folder}")
    click.echo(
        f"{plan.clips:,} clips{val}; {plan.steps_per_epoch:,} steps an epoch, {plan.steps:,} in all"
    )
    forward, both = plan.flop, plan.flop_with_backward
    click.echo(f"{forward / 1e9:.3f} GFLOP a frame forward, {both / 1e9:.3f} with backward")
    click.echo(
        f"one step: loss {plan.loss:.4f}, {plan.seconds:.2f} s, {plan.memory / 2**20:,.0f} MiB"
        f" at most, on {plan.processor}, {plan.workers} reading processes"
    )


def _print_layers(plan: DryRun) -> None:
    from rich.console import Console
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
    all_flop = sum(layer.flop for layer in plan.layers) / 1e6
    table.add_row("all", "", "", f"{all_parameters:,}", f"{all_flop:,.1f}")
    Console().print(table)


def main() -> None:
    """Entry point of `lrcn-train`."""
    run(command, "lrcn-train")


if __name__ == "__main__":
    main()
