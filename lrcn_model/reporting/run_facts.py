"""How a run came about: its values, its data, what ran it, and the commands that make it again."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lrcn_model.reporting.run_contents import RunContents
from lrcn_model.reporting.run_section import RunSection
from lrcn_model.scoring.evaluation import ScoredShard
from lrcn_model.training.options import TrainOptions


class Value(NamedTuple):
    """A value, or a fact, by its name.

    Attributes:
        name: What it is.
        text: The value as a text.
        chosen: Whether it differs from the default.
    """

    name: str
    text: str
    chosen: bool = False


class Line(NamedTuple):
    """A command.

    Attributes:
        what: What it does.
        command: The command itself.
    """

    what: str
    command: str


class RunFacts(NamedTuple):
    """How a run came about.

    Attributes:
        values: All values of the training.
        data: What it was trained and evaluated on.
        tools: What ran it.
        commands: The commands that make it again.
    """

    values: list[Value]
    data: list[Value]
    tools: list[Value]
    commands: list[Line]


def run_facts(section: RunSection) -> RunFacts:
    """Find out how a run came about."""
    run = section.run
    return RunFacts(_values(run), _data(section), _tools(run), _commands(run))


def _values(run: RunContents) -> list[Value]:
    defaults = TrainOptions().to_toml()
    return [
        Value(name, _text(value), chosen=value != defaults.get(name))
        for name, value in run.config.items()
    ]


def _data(section: RunSection) -> list[Value]:
    run = section.run
    record = run.record
    facts = [
        Value(f"{what} shards", f"{len(sums):,}, {_fingerprint(sums)}")
        for what, sums in (
            ("training", record.get("shards") or []),
            ("validation", record.get("val_shards") or []),
        )
        if sums
    ]
    found = run.evaluation
    if found:
        splits = ", ".join(sorted({shard.split for shard in found.shards}))
        sums = [shard.sha256 for shard in found.shards]
        scored = f"{len(sums):,} of {splits}, {_fingerprint(sums)}; {_files(found.shards)}"
        facts.append(Value("evaluated shards", scored))
    if section.frames:
        for folder, manifest in section.frames.data_set.found.manifests.items():
            facts.append(Value(f"fingerprint of {folder}", manifest.fingerprint))
            options = ", ".join(f"{n} {_text(v)}" for n, v in manifest.options.items() if v)
            facts.append(Value(f"options of {folder}", options))
    if "seq_len" in record:
        facts.append(Value("clips", f"{record['seq_len']} frames from {record['fps']} a second"))
    facts.append(Value("classes", f"{len(section.classes):,}"))
    return facts


def _tools(run: RunContents) -> list[Value]:
    environment: Mapping[str, Any] = run.record.get("environment") or {}
    trained = [Value(name, _text(v)) for name, v in environment.items() if name != "command" and v]
    made: Mapping[str, Any] = run.evaluation_record.get("made") or {}
    evaluated = [Value(f"evaluation: {n}", _text(v)) for n, v in made.items() if n != "command"]
    return [*trained, *evaluated]


def _commands(run: RunContents) -> list[Line]:
    lines = []
    started = (run.record.get("environment") or {}).get("command")
    if started:
        lines.append(Line("train, as it was started", _command(started)))
    again = shlex.join(
        ["lrcn-train", "--config", str(run.folder.place(run.folder.config)), "--out", "again"]
    )
    lines.append(Line("train anew with all of its values, from the same folder", again))
    # the command that has found a validation is that of the training
    made = {} if run.without else run.evaluation_record.get("made") or {}
    evaluated = made.get("command")
    lines.append(Line("evaluate", _command(evaluated) if evaluated else run.evaluate_command))
    return lines


def _command(words: Sequence[str]) -> str:
    """A command as it is typed, whose program is found by its name."""
    return shlex.join([Path(words[0]).name, *words[1:]]) if words else ""


def _fingerprint(sums: Sequence[str]) -> str:
    """A few letters that stand for the content of shards, in whatever order."""
    digest = hashlib.sha256("\n".join(sorted(sums)).encode()).hexdigest()
    return f"sha256 of all {digest[:16]}"


def _files(shards: Sequence[ScoredShard]) -> str:
    names = [shard.file for shard in shards]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value) or "none"
    return str(value)
