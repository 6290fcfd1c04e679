"""The page in a real browser: a video is dropped, and stepped through frame by frame."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHROMIUM, Browser
from tests.lrcn_model.serving.conftest import AVI, CLASSES, WEBM, Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def open_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture
def browser(open_browser: Browser, server: Server) -> Browser:
    open_browser.call("Page.navigate", url=server.url)
    open_browser.wait("document.readyState === 'complete' && document.getElementById('drop')")
    return open_browser


def drop(browser: Browser, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    browser.drop(path, *middle(browser, "drop"))


def middle(browser: Browser, name: str, part: float = 0.5) -> tuple[float, float]:
    """A place of an element, that part of its width from the left."""
    x, y, width, height = browser.evaluate(
        f"(r => [r.x, r.y, r.width, r.height])(document.getElementById('{name}')"
        ".getBoundingClientRect())"
    )
    return x + part * width, y + height / 2


def text(browser: Browser, name: str) -> Any:
    return browser.evaluate(f"document.getElementById('{name}').textContent")


def test_a_dropped_video_is_shown_with_its_segments_and_stepped_through(
    browser: Browser, tmp_path: Path
) -> None:
    drop(browser, tmp_path / "a clip.webm", WEBM)
    browser.wait("!document.getElementById('shown').hidden")
    assert text(browser, "name") == "a clip.webm"
    assert text(browser, "note") == ""
    assert "frame 1 of 20" in text(browser, "time")
    segments = browser.evaluate("shown.result.prediction.segments")
    names = browser.evaluate(
        "[...document.querySelectorAll('.stretch')].map(one => one.textContent)"
    )
    assert set(names) == set(CLASSES)
    assert len(names) == len(segments)

    for _ in range(3):
        browser.press("ArrowRight")
    browser.press("ArrowLeft")
    browser.wait("document.getElementById('time').textContent.includes('frame 3 of 20')")
    at = browser.evaluate("video.currentTime")
    assert at == pytest.approx(browser.evaluate("shown.times[2]"), abs=0.002)
    best = browser.evaluate("document.querySelector('#rows .best').textContent")
    assert best == browser.evaluate("shown.result.prediction.frames[2].name")

    browser.evaluate("document.querySelectorAll('#segments button')[1].click()")
    browser.wait(f"Math.abs(video.currentTime - {segments[1]['start']}) < 0.01")
    browser.click(*middle(browser, "band", 0.75))
    browser.wait("Math.abs(video.currentTime - 3) < 0.05")
    assert browser.errors == []


def test_what_the_browser_cant_play_is_shown_as_pictures_of_its_frames(
    browser: Browser, tmp_path: Path
) -> None:
    drop(browser, tmp_path / "clip.avi", AVI)
    browser.wait("!document.getElementById('shown').hidden")
    assert text(browser, "note").startswith("The browser can't play this file")
    picture = "document.getElementById('picture')"
    browser.wait(f"{picture}.complete && {picture}.naturalWidth === 64")
    first = browser.evaluate(f"{picture}.src")
    browser.press("ArrowRight")
    browser.wait(f"{picture}.src !== {first!r} && {picture}.complete")
    assert browser.evaluate(f"{picture}.naturalWidth") == 64
    assert "frame 2 of 20" in text(browser, "time")
    browser.press(" ")
    browser.wait("shown.player.playing && shown.frame > 1")
    browser.press("End")
    browser.wait("!shown.player.playing && shown.frame === 19")
    assert browser.errors == []


@pytest.mark.skipif("LRCN_REAL_VIDEOS" not in os.environ, reason="LRCN_REAL_VIDEOS is not set")
def test_a_real_clip_as_data_sets_have_it_is_stepped_through(browser: Browser) -> None:
    clip = Path(os.environ["LRCN_REAL_VIDEOS"]) / "weizmann/walk/denis_walk.avi"
    browser.drop(clip, *middle(browser, "drop"))
    browser.wait("!document.getElementById('shown').hidden")
    assert text(browser, "name") == "denis_walk.avi"
    browser.press("End")
    picture = "document.getElementById('picture')"
    browser.wait(f"{picture}.complete && {picture}.naturalWidth === 180")
    assert browser.evaluate("shown.frame + 1 === shown.times.length && shown.times.length > 5")
    assert browser.errors == []


def test_a_file_that_is_no_video_is_refused_in_words(browser: Browser, tmp_path: Path) -> None:
    drop(browser, tmp_path / "<img src=x>.avi", b"no video")
    browser.wait("document.getElementById('status').classList.contains('wrong')")
    assert text(browser, "said").startswith("<img src=x>.avi: not-a-video: ")
    assert browser.errors == []
