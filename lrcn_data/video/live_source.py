"""What can be read while it goes on: files, pipes, cameras, and addresses in the network.

Devices and the network are opened here only, and only what a user has named to be read live.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias
from urllib.parse import urlsplit

import av

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.allowed import LIVE_PROTOCOLS, PROTOCOLS
from lrcn_data.video.container_av import (
    FAILURES,
    GENERATE_PTS,
    ContainerStream,
    what_is_said,
)
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.libav_messages import Messages
from lrcn_data.video.video_file import VideoFile, open_video

Named: TypeAlias = "str | os.PathLike[str] | BinaryIO"
"""What a user may name: a path, an address, or a pipe that is open for reading."""

_CAMERA = "v4l2"
"""The name of libavdevice's demuxer for cameras of Linux."""

_RTSP = {"rtsp_flags": "prefer_tcp"}
"""UDP loses packets, and most cameras can do both."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LiveSource:
    """A source that is read while it goes on.

    Attributes:
        name: What it is called towards people.
        opened: What libav opens: a URL, or something to read bytes from.
        protocols: The protocols by which libav may open it and what it refers to.
        demuxer: The name of the demuxer that reads it; None for that of its container.
        settings: Options of the demuxer.
        is_recording: Whether it may come faster than it was recorded. A camera can't.
        reopens: Whether it can be opened again where it has broken off.
    """

    name: str
    opened: Any
    protocols: str = ""
    demuxer: str | None = None
    settings: Mapping[str, str]
    is_recording: bool = True
    reopens: bool = False


def find_live_source(named: Named) -> LiveSource:
    """Find out what kind of source is named.

    Raises:
        UsageError: It is an address of a kind that is not read.
        VideoError: There is no such file or device.
    """
    if not isinstance(named, str | os.PathLike):
        return LiveSource(name="-", opened=_Bytes(named), settings={})
    name = os.fspath(named)
    scheme = urlsplit(name).scheme.lower() if "://" in name else ""
    if scheme in LIVE_PROTOCOLS:
        is_camera = scheme.startswith("rtsp")
        return LiveSource(
            name=_without_password(name),
            opened=name,
            protocols=LIVE_PROTOCOLS[scheme],
            demuxer="rtsp" if is_camera else None,
            settings=_RTSP if is_camera else {},
            is_recording=not is_camera,
            reopens=True,
        )
    if not os.path.exists(name):  # noqa: PTH110 - no exception for odd names
        if not scheme:
            raise VideoError(Reason.MISSING, f"there is no file or device {name}")
        known = ", ".join(f"{one}://" for one in LIVE_PROTOCOLS)
        raise UsageError(f"{name} can't be read live; name a file, a device, - or {known}")
    if _is_device(name):
        return LiveSource(
            name=name,
            opened=name,
            protocols=PROTOCOLS,
            demuxer=_CAMERA,
            settings={},
            is_recording=False,
            reopens=True,
        )
    with open_video(name) as file:
        if not isinstance(file, VideoFile):
            raise VideoError(Reason.NOT_A_VIDEO, f"{name} is a folder; name a file")
        return LiveSource(name=name, opened=file.url, protocols=PROTOCOLS, settings={})


@contextmanager
def open_live(
    source: LiveSource, options: DecodeOptions, messages: Messages, *, patience: float
) -> Iterator[ContainerStream]:
    """Open a source, with the containers and decoders that are allowed of files as well.

    Args:
        source: The source.
        options: What is allowed, and how large pictures may be.
        messages: The list in which libav's messages are collected.
        patience: The seconds after which what comes from the network is no longer waited for.

    Raises:
        VideoError: It can't be opened (`missing`), or is none of these containers (`not-a-video`),
            or has no stream that can be decoded (`unsupported`), or too many streams (`too-large`).
    """
    formats = source.demuxer or options.format_whitelist
    settings = {
        "protocol_whitelist": source.protocols,
        "format_whitelist": formats,
        **source.settings,
    }
    try:
        container = av.open(
            source.opened,
            format=source.demuxer,
            container_options=settings,
            metadata_errors="replace",
            timeout=patience if source.reopens else None,
        )
    except (*FAILURES, OSError) as error:
        raise _cant_be_opened(source, error) from error
    with container:
        container.flags &= ~GENERATE_PTS
        options.limits.check_streams(len(container.streams))
        yield ContainerStream(container, options, messages)


def has_an_end(opened: ContainerStream) -> bool:
    """Whether a source has said how many bytes it has, and so ends where they end."""
    return opened.container.size > 0


class _Bytes:
    """A pipe as PyAV reads it: what is there is taken, without waiting for more."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.read = getattr(pipe, "read1", pipe.read)
        if pipe.seekable():
            self.seek, self.tell = pipe.seek, pipe.tell


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _is_device(name: str) -> bool:
    try:
        return stat.S_ISCHR(os.stat(name).st_mode)  # noqa: PTH116 - no exception for odd names
    except (OSError, ValueError):
        return False


def _cant_be_opened(source: LiveSource, error: Exception) -> VideoError:
    # what is not in the list of containers that are allowed is an invalid argument to libav
    if isinstance(error, av.InvalidDataError | av.ArgumentError):
        detail = f"no container that is allowed opens it ({what_is_said(error)})"
        return VideoError(Reason.NOT_A_VIDEO, detail)
    said = "it didn't answer in time" if isinstance(error, av.ExitError) else what_is_said(error)
    return VideoError(Reason.MISSING, f"{source.name} can't be opened ({said})")
