"""A real server over a socket: what it answers, refuses, survives and leaves behind."""

from __future__ import annotations

import base64
import http.client
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lrcn_model.predicting.predict import FrameProbabilities, predict
from lrcn_model.predicting.segment_files import csv_rows, vtt_text
from lrcn_model.scoring.trained_run import load_run
from tests.lrcn_model.serving.conftest import AVI, MAX_SIZE, Server, messages


def becomes_true(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def nothing_is_held(server: Server) -> bool:
    return becomes_true(lambda: not server.held())


def test_the_page_runs_no_script_but_its_own_and_asks_nobody_else(server: Server) -> None:
    answer = server.ask()
    page, policy = answer.read().decode(), answer.headers["content-security-policy"]
    assert answer.status == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "http" not in page.replace("http-equiv", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_sites_get_nothing(server: Server, headers: dict[str, str]) -> None:
    assert server.send("GET", "/", None, headers).status == 403
    assert server.upload(AVI, **headers).status == 403
    assert not server.held()


def test_an_upload_without_the_pages_header_is_refused(server: Server) -> None:
    assert server.send("POST", "/videos", AVI, {}).status == 403


def test_too_large_an_upload_is_refused_whether_it_says_so_or_not(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/videos")
    connection.putheader("X-Video-Name", "a")
    connection.putheader("Content-Length", str(MAX_SIZE + 1))
    connection.putheader("Connection", "close")
    connection.endheaders()
    answer = server.answer_of(connection)
    assert answer.status == 413
    assert "more than 1,048,576 bytes; see --max-size" in answer.read().decode()

    def blocks() -> Iterator[bytes]:
        for _ in range(MAX_SIZE // 4096 + 1):
            yield bytes(4096)

    assert server.upload(blocks()).status == 413
    assert nothing_is_held(server)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no video", "not-a-video: "),
        (b"", "not-a-video: "),
        (AVI[: len(AVI) * 2 // 3], "damaged: "),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "not-a-video: "),
    ],
)
def test_what_cant_be_read_is_refused_by_the_same_process(
    server: Server, body: bytes, reason: str
) -> None:
    before = server.worker().pid
    *_, last = messages(server.upload(body))
    assert last["kind"] == "failed"
    assert last["error"].startswith(reason)
    assert server.worker().pid == before
    assert nothing_is_held(server)


def test_what_is_shown_is_what_predicting_says(
    server: Server, weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "a b.avi").write_bytes(AVI)
    frames: list[FrameProbabilities] = []
    expected = predict(
        load_run(weights, device="cpu"),
        tmp_path / "a b.avi",
        timeline=True,
        on_frame=frames.append,
    )
    *_, result = messages(server.upload(AVI))
    shown = result["prediction"]
    assert shown.pop("video") == "a b.avi"
    assert shown == {key: value for key, value in asdict(expected).items() if key != "video"}
    rows = [row["label"] for row in result["rows"]]
    bytes_FR = np.frombuffer(base64.b64decode(result["probabilities"]), np.uint8)
    probs_FC = np.array([frame.probs_C for frame in frames])[:, rows]
    assert np.abs(bytes_FR.reshape(len(frames), -1) / 255 - probs_FC).max() <= 0.5 / 255 + 1e-6
    assert result["vtt"] == vtt_text(expected.segments)
    assert len(result["csv"].splitlines()) == 1 + len(list(csv_rows(expected)))
    assert result["pictures"] is None
    assert nothing_is_held(server)


def test_pictures_of_the_frames_are_there_as_long_as_the_page_is(server: Server) -> None:
    answer = server.upload(AVI, **{"X-Pictures": "1"})
    key = ""
    for message in messages(answer):
        key = message.get("key", key)
        if message["kind"] == "result":
            break
    assert message["pictures"] == [frame["seconds"] for frame in message["prediction"]["frames"]]
    last = len(message["pictures"]) - 1
    for number in (0, last):
        picture = server.ask(f"/videos/{key}/{number}.jpg")
        assert picture.headers["content-type"] == "image/jpeg"
        assert Image.open(io.BytesIO(picture.read())).size == (64, 48)
    assert server.ask(f"/videos/{key}/{last + 1}.jpg").status == 404
    assert server.ask(f"/videos/other/{last}.jpg").status == 404
    assert [path.name for path in server.held()[0].glob("*")].count("video") == 0
    answer.close()
    assert nothing_is_held(server)
    assert server.ask(f"/videos/{key}/0.jpg").status == 404


def test_the_death_of_the_process_costs_one_upload_and_the_next_one_is_predicted(
    server: Server,
) -> None:
    worker = server.worker()
    worker.suspend()
    first = messages(server.upload(AVI))
    assert next(first)["kind"] == "begun"
    second = messages(server.upload(AVI))
    assert next(second) == {"kind": "waiting", "before": 1}
    third = messages(server.upload(AVI))
    assert next(third) == {"kind": "waiting", "before": 2}
    worker.kill()
    assert [message["error"] for message in first] == [
        "crashed: the process that predicted it ended with SIGKILL; another one takes its place"
    ]
    assert [message["kind"] for message in second] == ["begun", "result"]
    assert [message["kind"] for message in third] == ["waiting", "begun", "result"]
    assert nothing_is_held(server)


def test_no_more_are_held_than_there_is_room_for(server: Server) -> None:
    held = [server.upload(AVI, **{"X-Pictures": "1"}) for _ in range(4)]
    for answer in held:
        assert any(message["kind"] == "result" for message in messages(answer))
    refused = server.upload(AVI)
    assert refused.status == 503
    assert "4 videos are shown or waiting; close the tab of one" in refused.read().decode()
    for answer in held:
        answer.close()
    assert nothing_is_held(server)


def test_a_closed_tab_ends_its_prediction_or_its_waiting(server: Server) -> None:
    worker = server.worker()
    worker.suspend()
    answers = [server.upload(AVI) for _ in range(3)]
    first, second, third = map(messages, answers)
    assert next(first)["kind"] == "begun"
    assert next(second) == {"kind": "waiting", "before": 1}
    assert next(third) == {"kind": "waiting", "before": 2}
    answers[1].close()
    assert next(third) == {"kind": "waiting", "before": 1}
    assert becomes_true(lambda: len(server.held()) == 2)
    answers[0].close()
    assert next(third)["kind"] == "begun"
    assert becomes_true(lambda: not worker.is_running())
    answers[2].close()
    assert nothing_is_held(server)
