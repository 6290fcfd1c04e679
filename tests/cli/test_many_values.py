from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from lrcn_cli.many_values import ManyValuesCommand, repeat_names


@pytest.mark.parametrize(
    ("given", "repeated"),
    [
        ("--s a", "--s a"),
        ("--s a b c", "--s a --s b --s c"),
        ("--s a b --epochs 3", "--s a --s b --epochs 3"),
        ("run --s a b", "run --s a --s b"),
        ("--s a b --t c d", "--s a --s b --t c --t d"),
        ("--s a --s b", "--s a --s b"),
        ("--s a - b", "--s a --s - --s b"),
        ("--s a b -- c d", "--s a --s b -- c d"),
        ("--s", "--s"),
        ("", ""),
    ],
)
def test_every_value_follows_the_name_of_its_option(given: str, repeated: str) -> None:
    assert repeat_names(given.split(), {"--s", "--t"}) == repeated.split()


def test_a_command_takes_all_values_up_to_the_next_option() -> None:
    @click.command(cls=ManyValuesCommand)
    @click.option("--shards", multiple=True)
    @click.option("--epochs", type=int)
    def command(shards: tuple[str, ...], epochs: int) -> None:
        click.echo(f"{shards} {epochs}")

    result = CliRunner().invoke(command, ["--shards", "a.tar", "b.tar", "--epochs", "2"])
    assert result.output == "('a.tar', 'b.tar') 2\n"
