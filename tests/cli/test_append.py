"""`lrcn-data shard --append` as it is typed, and what is done with the data set afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from lrcn_cli.data_shard import command as shard_command
from lrcn_cli.data_verify import command as verify_command


def run(command: click.Command, *arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture
def grown(video_lists: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set of the first 16 train and all test videos, and with whole lists."""
    monkeypatch.chdir(video_lists)
    whole = (video_lists / "train.txt").read_text()
    (video_lists / "train.txt").write_text("".join(whole.splitlines(keepends=True)[:16]))
    run(shard_command, "--workers", "0")
    (video_lists / "train.txt").write_text(whole)
    return video_lists


def test_new_lines_are_counted_in_the_table_and_the_next_command_is_told(grown: Path) -> None:
    said = run(shard_command, "--append", "--workers", "0").output
    assert "30 (4 appended now)" in said
    assert "5 (1 written now)" in said
    assert "next: lrcn-train --shards 'shards/train-*.tar'" in said
    assert run(verify_command, "--inputs").output == "shards: no faults\n"


def test_an_append_of_nothing_ends_well_and_says_so(grown: Path) -> None:
    run(shard_command, "--append", "--workers", "0")
    done = run(shard_command, "--append", "--workers", "0")
    assert "shards has all videos of the lists already; there is nothing to append" in done.stderr
    dry = run(shard_command, "--append", "--dry-run")
    assert "there is nothing to append" in dry.output


def test_a_dry_run_says_what_would_be_added_and_writes_nothing(grown: Path) -> None:
    before = sorted(grown.rglob("*"))
    said = run(shard_command, "--append", "--dry-run").output
    assert "30 videos, 4 of them new, of 2 classes would go into 5 shards in shards;" in said
    assert "1 shards with 4 videos are left to write" in said
    result = json.loads(run(shard_command, "--append", "--dry-run", "--json").output)
    assert (result["videos"], result["videos_new"], result["shards_left"]) == (30, 4, 1)
    assert sorted(grown.rglob("*")) == before


def test_the_result_as_json_counts_what_was_appended(grown: Path) -> None:
    result = json.loads(run(shard_command, "--append", "--workers", "0", "--json").stdout)
    assert (result["videos"], result["appended"], result["videos_done"]) == (30, 4, 4)
    assert (result["shards"], result["shards_done"], result["clips"]) == (5, 1, 29)


def test_the_message_about_new_lines_names_append(grown: Path) -> None:
    from lrcn_data.errors import LrcnError

    done = CliRunner().invoke(shard_command, ["--workers", "0"])
    assert isinstance(done.exception, LrcnError)
    assert "use --append to add new lines, another --out, or --overwrite" in str(done.exception)


@pytest.mark.slow
def test_a_run_on_the_old_shards_goes_on_after_an_append(
    grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from lrcn_cli.train import command as train_command

    small = ("--cnn", "small", "--size", "32x32", "--workers", "0", "--device", "cpu")
    old = ("--shards", "shards/train-{000..001}.tar", *small)
    run(train_command, *old, "--epochs", "2", "--out", "whole")
    run(train_command, *old, "--epochs", "1", "--out", "run")
    run(shard_command, "--append", "--workers", "0")
    run(train_command, "--resume", "run", "--epochs", "2")
    weights = [(grown / name / "weights.safetensors").read_bytes() for name in ("whole", "run")]
    assert weights[0] == weights[1]
    said = run(train_command, *old, "--epochs", "2", "--out", "run").output
    assert "finished" in said
    run(train_command, "--shards", "shards", *small, "--epochs", "1", "--out", "all")
    record = json.loads((grown / "all/run.json").read_text())
    assert len(record["shards"]) == 3
