"""`lrcn-search`: the values with which a training does best."""

from __future__ import annotations

import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrcn_data.errors import UsageError
from lrcn_model.searching.search_options import PRUNINGS, SAMPLERS

from .error_boundary import run
from .many_values import ManyValuesCommand
from .options import (
    ANY_PATH,
    HELP,
    LOCATION,
    PLACE,
    debug_option,
    frame_kind_option,
    json_option,
    log_option,
    seed_option,
    version_option,
)
from .output import print_json, print_next, print_result, print_table, say
from .prepare_torch import prepare_torch
from .search_progress import SearchProgress, values_text
from .train_progress import column_name

if TYPE_CHECKING:
    from lrcn_model.searching.search_result import SearchResult

_SHOWN = 10
"""The trials that the table shows; trials.csv has all."""


@click.command(
    cls=ManyValuesCommand,
    context_settings=HELP,
    name="search",
    goes_on=True,
    groups={
        "Data": ("shards", "val_shards", "plugins"),
        "Search": ("trials", "sampler", "pruning", "seed"),
        "Finalists": ("finalists", "repeat"),
        "Results": ("out",),
    },
    examples=(
        "lrcn-search search.toml --trials 50 --shards 'shards/train-*.tar' --val-shards"
        " 'shards/val-*.tar'",
        "lrcn-search search.toml --trials 200 --sampler tpe --pruning median",
        "lrcn-search search.toml --trials 50 --finalists 5 --repeat 5",
    ),
)
@click.argument("config", type=ANY_PATH)
@click.option(
    "--trials",
    type=click.IntRange(1),
    required=True,
    help="The number of trials in all, over all commands and processes on this folder.",
)
@click.option(
    "--shards",
    type=PLACE,
    multiple=True,
    metavar="SHARD...",
    show_default="those of CONFIG",
    help="The shards to train on, as lrcn-train takes them.",
)
@click.option(
    "--val-shards",
    type=PLACE,
    multiple=True,
    metavar="SHARD...",
    show_default="those of CONFIG",
    help="The shards that trials are judged by: by the main figure after the best epoch, the one"
    " whose weights lrcn-train would keep.",
)
@click.option(
    "--sampler",
    type=click.Choice(SAMPLERS),
    default="random",
    show_default=True,
    help="How values are drawn: random draws each trial by itself, so that the same command tries"
    " the same values; tpe draws near those of trials that did well.",
)
@click.option(
    "--pruning",
    type=click.Choice(PRUNINGS),
    default="none",
    show_default=True,
    help="Which trials end early: none, or with median those that are worse than half of the others"
    " were after as many epochs.",
)
@seed_option("The seed with which values are drawn; trainings have the seed of CONFIG.")
@click.option(
    "--finalists",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="The number of the best trials that are trained again with other seeds, and ranked by"
    " their mean.",
)
@click.option(
    "--repeat",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="The number of other seeds with which each finalist is trained.",
)
@click.option(
    "--out",
    type=LOCATION,
    show_default="runs/search-<name of CONFIG>",
    help="The folder that all is written into.",
)
@frame_kind_option
@json_option
@log_option
@debug_option
@version_option
def command(*, config: Path, as_json: bool, **values: Any) -> None:
    """Search the values of a training that do best on validation shards.

    CONFIG is a TOML file for lrcn-train with a [search] table, whose lines say what is tried: a
    list of values, as in batch_size = [8, 16], or a range, as in
    lr = { low = 1e-4, high = 1e-2, log = true }.

    If a search was stopped, the same command goes on from there; several at the same time share
    the trials.
    """
    prepare_torch("tensorboard", "tomli_w")
    if find_spec("optuna") is None:
        raise UsageError("optuna can't be imported; install it with pip install 'lrcn[search]'")
    result = _search(config, values)
    if as_json:
        print_json(result.to_json())
        return
    _show_trials(result)
    if result.finalists:
        _show_finalists(result)
    print_result(f"all trials: {result.folder / 'trials.csv'}, {result.folder / 'search.png'}")
    print_result(f"best: trial {result.best.number}, {result.folder / 'best.toml'}")
    print_next(shlex.join(["lrcn-train", "--config", f"{result.folder / 'best.toml'}"]))


def _search(config: Path, values: dict[str, Any]) -> SearchResult:
    from lrcn_model.searching.search import search
    from lrcn_model.training.stop_signals import Stopped, StopSignals

    try:
        with StopSignals() as stop, SearchProgress() as progress:
            return search(config, **values, observer=progress, stop=stop)
    except Stopped as stopped:
        say(str(stopped))
        raise click.exceptions.Exit(stopped.exit_code) from None


def _show_trials(result: SearchResult) -> None:
    from rich.table import Table

    from lrcn_model.searching.search_result import ranked

    finished = ranked(result.trials)
    table = Table(title=f"the best of {len(finished)} finished trials, of {len(result.trials)}")
    for name in ("trial", f"val {column_name(result.figure)}", "loss", "epoch"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("values")
    for trial in finished[:_SHOWN]:
        outcome = trial.outcome
        figures = (f"{outcome.figure:.1%}", f"{outcome.loss:.4f}", f"{outcome.epoch}")
        table.add_row(str(trial.number), *figures, values_text(trial.values))
    print_table(table)


def _show_finalists(result: SearchResult) -> None:
    from rich.table import Table

    seeds = len(result.finalists[0].repeats)
    table = Table(title=f"finalists with {seeds} other seeds")
    for name in ("trial", "mean", "standard deviation", "seeds", "chosen by"):
        table.add_column(name, justify="right")
    for one in result.finalists:
        deviation = "" if one.deviation is None else f"{one.deviation:.1%}"
        figures = ", ".join(f"{figure:.1%}" for figure in one.figures)
        chosen = f"{one.trial.outcome.figure:.1%}"
        table.add_row(str(one.trial.number), f"{one.mean:.1%}", deviation, figures, chosen)
    print_table(table)


def main() -> None:
    """Entry point of `lrcn-search`."""
    run(command, "lrcn-search")


if __name__ == "__main__":
    main()
