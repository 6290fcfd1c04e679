"""lrcn-report as a user calls it, and lrcn-train --report."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import call

MakeDataSet = Callable[..., Path]

TRAIN = (
    *("--cnn", "small", "--size", "32x32", "--lstm-hidden", "8", "--device", "cpu"),
    *("--shards", "shards", "--epochs", "1", "--out", "run"),
)


@pytest.fixture
def folder(make_data_set: MakeDataSet) -> Path:
    """A folder with shards."""
    return make_data_set(samples={"train": [4], "test": [7]}, sizes=((32, 32),), classes=4).parent


def test_the_options_are_those_that_scripts_depend_on() -> None:
    from lrcn_cli.report import command

    found = {option for parameter in command.params for option in parameter.opts}
    assert found == {
        *("runs", "--out", "--clips", "--frame-kind", "--json", "--debug", "--version"),
    }


def test_a_training_writes_its_page_and_an_evaluation_fills_it(folder: Path) -> None:
    done = call("train", *TRAIN, "--report", folder=folder)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("report: ")]
    assert re.fullmatch(r"report: run/report.html, 1 run, not evaluated yet, 0.1 MB", line)
    page = (folder / "run/report.html").read_text()
    assert "lrcn-eval run --shards &#39;shards/test-*.tar&#39;" in page
    call("evaluate", "run", "--shards", "shards", folder=folder)
    done = call("report", "run", "--out", "page.html", "--clips", "3", folder=folder)
    assert re.fullmatch(
        r"report: page.html, 1 run, 3 clips, 3 of them with pictures, 0.1 MB\n", done.stdout
    )
    assert done.stderr == ""
    done = call("report", "run", "--json", folder=folder)
    said = json.loads(done.stdout)
    assert (said["path"], said["runs"], said["notes"]) == ("run/report.html", ["run"], [])
    assert said["bytes"] == (folder / "run/report.html").stat().st_size


def test_a_page_that_cant_be_written_loses_no_training(folder: Path) -> None:
    (folder / "run/report.html").mkdir(parents=True)
    done = call("train", *TRAIN, "--report", "--json", folder=folder)
    assert "warning: the report can't be written: " in done.stderr
    assert json.loads(done.stdout)["trained"]
    assert (folder / "run/weights.safetensors").exists()


def test_what_is_missing_is_warned_of(folder: Path) -> None:
    call("train", *TRAIN, folder=folder)
    done = call("report", "run", folder=folder)
    assert "warning: run has no evaluation; make one with `lrcn-eval run" in done.stderr
    done = call("report", "nowhere", folder=folder, code=2)
    assert done.stderr == (
        "error: nowhere is no run: it has no config.toml; name the folder of a training\n"
    )


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

_CLICK = """
<script>
const say = (text) => document.body.append(text);
addEventListener("securitypolicyviolation", (event) => say("VIOLATED " + event.blockedURI));
addEventListener("error", (event) => say("FAILED " + event.message));
addEventListener("load", () => {
  document.querySelector(".matrix button").click();
  const count = (what) => document.querySelectorAll(what).length;
  const asked = performance.getEntriesByType("resource").map((one) => one.name);
  const outside = asked.filter((name) => !name.startsWith("data:"));
  say(`OPENED ${count("#viewer[open] article")} ${count("#viewer img")} ${outside.length}`);
});
</script>
"""


@pytest.mark.slow  # a browser
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_in_a_browser_a_cell_opens_its_clips_without_an_error_or_a_request(folder: Path) -> None:
    call("train", *TRAIN, folder=folder)
    call("evaluate", "run", "--shards", "shards", folder=folder)
    call("report", "run", folder=folder)
    path = folder / "run/report.html"
    path.write_text(path.read_text().replace("<body>", f"<body>{_CLICK}"))
    assert CHROMIUM is not None
    browser = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu"]
    browser += ["--enable-logging=stderr", f"--user-data-dir={folder / 'browser'}"]
    browser += ["--virtual-time-budget=3000", "--dump-dom", path.as_uri()]
    done = subprocess.run(browser, capture_output=True, text=True, timeout=120)
    said = done.stdout.replace(_CLICK, "")
    [(clips, pictures, requests)] = re.findall(r"OPENED (\d+) (\d+) (\d+)", said)
    assert int(clips) == int(pictures) > 0
    assert int(requests) == 0
    assert "VIOLATED" not in said
    assert "FAILED" not in said
    assert "CONSOLE" not in done.stderr, done.stderr
