"""Uploads: each is taken, predicted and shown within one request, and is gone when that ends.

The page keeps the request open as long as it shows the video. So whatever ends it, a closed tab
too, cancels the prediction and removes what belongs to it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from lrcn_data.printable import show
from lrcn_model.serving.predict_process import PredictProcess
from lrcn_model.serving.predict_setup import PICTURES, RESULT, VIDEO, PredictJob
from lrcn_model.serving.prediction_queue import PredictionQueue
from lrcn_model.serving.request_guard import VIDEO_NAME

MOST_UPLOADS = 4
"""The most uploads that are held at a time: one that is predicted, those that wait for it, and
those whose pictures are shown. A browser has no more than six connections to a server."""

WANTS_PICTURES = "x-pictures"
"""The header whose value 1 says that the browser can't play the video, so that pictures of its
frames are shown in its place."""

_LEFT_FREE = 256 << 20
"""The bytes that are left free on the disk that uploads are written to."""

_SILENCE = 60.0
"""The seconds after which an upload of which nothing comes is given up."""

_LONGEST_NAME = 255
_BLOCK = 1 << 20


class Uploads:
    """Takes uploads.

    Args:
        process: Predicts them.
        folder: Where their files are while they are held.
        max_size: The most bytes of an upload.
    """

    def __init__(self, process: PredictProcess, folder: Path, *, max_size: int) -> None:
        self._process, self._folder, self._max_size = process, folder, max_size
        self._queue = PredictionQueue()
        self._held: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take an upload: the body of the request is the file; the answer is JSON, a line each.

        Raises:
            HTTPException: The upload is too large, or there is no room for it.
        """
        request = Request(scope, receive)
        key = secrets.token_urlsafe(16)
        if len(self._held) >= MOST_UPLOADS:
            await _drain(request, self._max_size)
            detail = f"{MOST_UPLOADS} videos are shown or waiting; close the tab of one of them"
            raise HTTPException(503, detail)
        folder = self._folder / key
        self._held.add(key)
        try:
            folder.mkdir(mode=0o700)
            await self._receive(request, folder / VIDEO)
            async with aclosing(self._answer(request, key)) as lines:
                response = StreamingResponse(lines, media_type="application/x-ndjson")
                await response(scope, receive, send)
        except ClientDisconnect:
            return
        finally:
            self._held.discard(key)
            shutil.rmtree(folder, ignore_errors=True)

    async def picture(self, request: Request) -> FileResponse:
        """A picture of a frame of an upload that is held.

        Raises:
            HTTPException: There is none.
        """
        key, number = request.path_params["key"], request.path_params["number"]
        path = self._folder / key / PICTURES / f"{number}.jpg"
        if key not in self._held or not path.is_file():
            raise HTTPException(404, "there is no such picture")
        return FileResponse(path, media_type="image/jpeg")

    async def _receive(self, request: Request, path: Path) -> None:
        """Write the body of a request to a file, block by block.

        Raises:
            HTTPException: It is too large, ends too early or doesn't fit on the disk.
            ClientDisconnect: Whoever sends it has gone.
        """
        announced = int(request.headers.get("content-length", 0))
        if announced > self._max_size:
            raise _too_large(self._max_size)
        try:
            with path.open("xb") as file:
                await self._write(request, file)
        except TimeoutError:
            raise HTTPException(408, f"nothing has come for {_SILENCE:g} s") from None
        except OSError as error:
            raise HTTPException(507, f"the video can't be stored: {error.strerror}") from error

    async def _write(self, request: Request, file: BinaryIO) -> None:
        written = 0
        blocks = aiter(request.stream())
        while True:
            async with asyncio.timeout(_SILENCE):
                block = await anext(blocks, b"")
            if not block:
                return
            written += len(block)
            if written > self._max_size:
                raise _too_large(self._max_size)
            if shutil.disk_usage(self._folder).free < _LEFT_FREE:
                raise HTTPException(507, f"the disk of {self._folder.parent} is full")
            file.write(block)

    async def _answer(self, request: Request, key: str) -> AsyncGenerator[bytes]:
        """Say how far an upload is, and at last what was found."""
        folder = self._folder / key
        pictures = request.headers.get(WANTS_PICTURES) == "1"
        job = PredictJob(
            folder=os.fspath(folder),
            name=show(unquote(request.headers[VIDEO_NAME]))[:_LONGEST_NAME],
            pictures=pictures,
        )
        async with aclosing(self._queue.wait()) as turn:
            async for before in turn:
                if before:
                    yield _line({"kind": "waiting", "before": before})
                else:
                    break
            yield _line({"kind": "begun", "key": key})
            last: dict[str, Any] = {}
            async with aclosing(self._process.predict(job)) as messages:
                async for last in messages:
                    if last["kind"] != "done":
                        yield _line(last)
        (folder / VIDEO).unlink()
        if last["kind"] == "done":
            with (folder / RESULT).open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
            yield b"\n"
            if pictures:
                # they are there as long as the page is
                await asyncio.Event().wait()


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _too_large(max_size: int) -> HTTPException:
    return HTTPException(413, f"the video has more than {max_size:,} bytes; see --max-size")


async def _drain(request: Request, most: int) -> None:
    """Let a body come, and forget it: a browser hears no answer before it has sent all."""
    with suppress(ClientDisconnect):
        async for block in request.stream():
            most -= len(block)
            if most < 0:
                return
