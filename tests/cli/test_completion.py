"""Completion by a shell, with its own script, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = {
    "lrcn-data": "data",
    "lrcn-train": "train",
    "lrcn-eval": "evaluate",
    "lrcn-predict": "predict",
    "lrcn-search": "search",
    "lrcn-export": "export",
}

ASK = """
complete() {{ [ "$1" = -o ] && installed="$*"; }}
compopt() {{ echo "$2"; }}
eval "$({variable}=bash_source {program})"
[ -n "$installed" ] || exit 1
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
COMPREPLY=()
{function} {program}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(tmp_path: Path) -> Callable[..., list[str]]:
    """What bash offers for a line whose last word is not yet whole, or the kind of files it may."""
    for program, module in PROGRAMS.items():
        script = tmp_path / program
        script.write_text(f"#!{sys.executable}\nfrom lrcn_cli.{module} import main\nmain()\n")
        script.chmod(0o755)

    def ask(program: str, *words: str) -> list[str]:
        name = program.replace("-", "_")
        line = " ".join(f"'{word}'" for word in (program, *words))
        code = ASK.format(
            program=program,
            words=line,
            variable=f"_{name.upper()}_COMPLETE",
            function=f"_{name}_completion",
        )
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "--norc", "-c", code],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("lrcn-data s", ["shard", "stats", "subset"]),
        ("lrcn-data shard --sampling ", ["blocks", "center", "windows"]),
        ("lrcn-data shard --allow-de", ["--allow-demuxer", "--allow-decoder"]),
        ("lrcn-data preview --split t", ["train", "test"]),
        ("lrcn-train --cnn s", ["small"]),
        ("lrcn-train --lr-schedule ", ["step", "cosine", "none"]),
        ("lrcn-train --shards a.tar --val-", ["--val-shards"]),
        ("lrcn-eval run --am", ["--amp"]),
        ("lrcn-predict run a.avi --decoder ", ["av", "ffmpeg"]),
        ("lrcn-export run --graph ", ["clip", "step"]),
        ("lrcn-search a.toml --sampler ", ["random", "tpe"]),
    ],
)
def test_commands_options_and_choices_are_completed(
    complete: Callable[..., list[str]], line: str, offered: list[str]
) -> None:
    assert complete(*line.split(" ")) == offered


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("lrcn-train --shards sh", "default"),
        ("lrcn-train --config ", "default"),
        ("lrcn-train --resume ru", "dirnames"),
        ("lrcn-data stats sh", "dirnames"),
        ("lrcn-eval ru", "default"),
        ("lrcn-search se", "default"),
        ("lrcn-predict run one.avi tw", "default"),
    ],
)
def test_files_and_folders_are_left_to_the_shell(
    complete: Callable[..., list[str]], line: str, kind: str
) -> None:
    assert complete(*line.split(" ")) == [kind]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_script_for_each_shell_is_printed_without_importing_anything_heavy(
    program: str, shell: str
) -> None:
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    code = (
        f"import sys; sys.argv[0] = {program!r}\n"
        f"from lrcn_cli.{PROGRAMS[program]} import main\n"
        "try:\n    main()\nfinally:\n"
        "    assert not {'torch', 'numpy', 'av', 'rich'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, variable: f"{shell}_source"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert variable in done.stdout
    assert program in done.stdout
