"""How many trials a search over the head does, on the features of a frozen CNN that are kept.

    python bench/search.py SHARDS [--trials 20] [--processes 2] [--epochs 20] [--pruning median]

SHARDS is a folder with shards of the train and of the val split. The CNN is lite0 with the weights
of its library; its features are computed before the clock starts. The processes share a search,
each with one thread. CPU time is that of all of them, start included, which a machine's other work
changes less than the wall's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import processor_name

CONFIG = """
cnn = "lite0"
pretrained = "library"
freeze = ["cnn"]
size = "224x224"
label_smoothing = 0.1
lr_schedule = "cosine"
epochs = {epochs}
head = "gru"

[search]
lr = {{ low = 3e-4, high = 1e-2, log = true }}
dropout = {{ low = 0.0, high = 0.7 }}
batch_size = [8, 16, 32]
head.hidden = [64, 128, 256]
head.bidirectional = [false, true]
"""


def command(config: Path, shards: Path, *options: str) -> list[str]:
    words = [sys.executable, "-m", "lrcn_cli.search", str(config), "--finalists", "0", "--json"]
    words += ["--shards", f"{shards}/train-*.tar", "--val-shards", f"{shards}/val-*.tar"]
    return [*words, *options]


def run_together(words: list[str], processes: int) -> str:
    """Run the same command several times at once; what the first of them prints."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        sys.exit("a search has failed")
    return outputs[0]


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--pruning", default="none")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config, out = Path(folder) / "search.toml", Path(folder) / "search"
        config.write_text(CONFIG.format(epochs=given.epochs))
        options = ["--out", str(out), "--pruning", given.pruning]
        run_together(command(config, given.shards, *options, "--trials", "1"), 1)
        began, before = time.monotonic(), cpu_seconds()
        words = command(config, given.shards, *options, "--trials", str(1 + given.trials))
        found = json.loads(run_together(words, given.processes))
        seconds, cpu = time.monotonic() - began, cpu_seconds() - before
    pruned = sum(trial["state"] == "pruned" for trial in found["trials"])
    best = found["trials"][0]["figure"]
    print(f"{processor_name()}; {given.processes} processes, load {os.getloadavg()[0]:.1f}")
    print(f"{given.trials} trials of {given.epochs} epochs, --pruning {given.pruning}")
    print(f"{len(found['trials'])} trials in the study, {pruned} pruned, the best {best:.1%}")
    print(f"{seconds:.0f} s, {seconds / given.trials:.1f} s a trial; 10 minutes: ", end="")
    print(f"{600 * given.trials / seconds:.0f} trials")
    print(
        f"{cpu:.0f} CPU s, {cpu / given.trials:.1f} a trial; 10 minutes of 2 free cores: ", end=""
    )
    print(f"{1200 * given.trials / cpu:.0f} trials")


if __name__ == "__main__":
    main()
