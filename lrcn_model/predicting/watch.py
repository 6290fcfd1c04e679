"""What a trained net says of a source while that goes on: a camera, an address, a pipe, a file.

Frames are picked and encoded as those of the training were, and scored as `predict` does it with
`timeline=True`: of a file, where no frame is dropped, both say the same of each frame, but for nets
that see windows, whose last one begins earlier there, to end with the video.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from typing import TypedDict, Unpack

from lrcn_data.errors import UsageError, VideoError
from lrcn_data.reasons import Reason
from lrcn_data.video.decoding import DecodeOptions
from lrcn_data.video.live_source import Named, find_live_source
from lrcn_model.predicting.clip_plan import Sliding
from lrcn_model.predicting.exported_run import load_to_predict
from lrcn_model.predicting.live_connection import (
    LiveConnection,
    LiveReading,
    WaitingFrame,
    is_expected,
)
from lrcn_model.predicting.live_events import Latencies, LiveFrame, LiveSummary, Seen, SourceLost
from lrcn_model.predicting.live_track import LiveTrack
from lrcn_model.predicting.run_to_predict import RunToPredict
from lrcn_model.predicting.segments import Segment, SegmentOptions
from lrcn_model.predicting.stored_frames import frame_batch
from lrcn_model.predicting.video_reading import ReadOptions, clip_planner, frame_keeper

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a source is opened again: each time twice as many, up to the longest."""


class WatchValues(TypedDict, total=False):
    """How a source is watched, as `lrcn-predict --live` has it too.

    Attributes:
        top: The number of classes to name of each frame, 1 by default.
        min_length: As `predict` has it.
        enter: As `predict` has it.
        leave: As `predict` has it.
        patience: The seconds after which a source that sends nothing is taken for lost, 30 by
            default.
        reconnects: How many times in a row it is tried to open an address or a device again that
            was lost, 10 by default.
        plugins: Names of plug-ins that may be imported, where one made or chose the frames that the
            net was trained on.
    """

    top: int
    min_length: float
    enter: float | None
    leave: float | None
    patience: float
    reconnects: int
    plugins: Collection[str]


def watch(
    run: RunToPredict | str | os.PathLike[str], source: Named, **values: Unpack[WatchValues]
) -> Watch:
    """Say what a source shows while it goes on.

    Args:
        run: The trained net as `load_run` gives it, the path or URL of its run, or that of an ONNX
            model made of it.
        source: A file or a camera of this machine, such as `/dev/video0`; an address that begins
            with http://, https://, rtsp:// or rtsps://; or a pipe, open for reading bytes, with a
            container that can be read from its start.
        **values: What is given of `WatchValues`.

    Returns:
        What iterates over all that is seen, once; the source is opened then.

    Raises:
        UsageError: There is no such run, a value is out of range, a plug-in made the frames, and is
            not named, or the net can't score frames as they come.
        VideoError: There is no such file.
        LrcnError: The run's weights are damaged.
    """
    return Watch(run, source, **values)


class Watch:
    """Watches a source; the arguments are those of `watch`."""

    def __init__(
        self,
        run: RunToPredict | str | os.PathLike[str],
        source: Named,
        *,
        top: int = 1,
        min_length: float = 0.0,
        enter: float | None = None,
        leave: float | None = None,
        patience: float = 30.0,
        reconnects: int = 10,
        plugins: Collection[str] = (),
    ) -> None:
        if top < 1 or reconnects < 0:
            raise UsageError(f"top {top} is below 1, or reconnects {reconnects} below 0")
        if not 0 < patience < float("inf"):
            raise UsageError(f"--patience must be above 0 seconds, got {patience}")
        self._options = SegmentOptions(min_length=min_length, enter=enter, leave=leave)
        self._top, self._reconnects = top, reconnects
        self._source = find_live_source(source)
        trained = load_to_predict(run)
        decode = DecodeOptions()
        keeper = frame_keeper(trained.facts, plugins)
        self._kind = keeper.kind
        self._run = trained.for_frames(self._kind)
        self._sliding = _sliding(
            self._run, ReadOptions(decoder="av", decode=decode, plugins=plugins)
        )
        if keeper.neighbour:
            raise UsageError(
                f"a picture of the kind {self._kind.name} is made from two frames, which is not"
                " possible live yet; predict whole videos"
            )
        self._reading = LiveReading(
            fps=trained.facts.fps, keeper=keeper, decode=decode, patience=patience
        )
        self._connection: LiveConnection | None = None
        self._track: LiveTrack | None = None
        self._stretch = 0
        self._first_arrived: float | None = None
        self._seconds = 0.0
        self._frames = self._dropped = self._damaged = self._reopened = self._segments = 0
        self._latencies = Latencies()

    def __iter__(self) -> Iterator[Seen]:
        """Watch the source until it ends.

        Yields:
            Frames as they are scored, segments as they end, and breaks.

        Raises:
            VideoError: The source can't be opened or has broken off, and isn't opened again; all
                that had been seen was given.
        """
        failures = 0
        while True:
            self._connection = connection = LiveConnection(self._source, self._reading)
            try:
                for waiting in self._waiting(connection):
                    self._reopened += failures > 0
                    failures = 0
                    yield from self._score(waiting)
            finally:
                self._leave()
            yield from self._end_track(connection.end)
            if connection.error is None and connection.has_end:
                break
            failures += 1
            reason = self._why_lost(connection, failures)
            pause = min(_FIRST_PAUSE * 2 ** (failures - 1), _LONGEST_PAUSE)
            yield SourceLost(seconds=self._seconds, reason=reason, again_in=pause)
            time.sleep(pause)
        if not self._frames:
            fps = self._reading.fps
            raise VideoError(Reason.SHORT, f"{self._source.name} has no frame at {fps} a second")

    def finish(self) -> Iterator[Seen]:
        """End early, in place of iterating on: what had not been said before."""
        self._leave()
        yield from self._end_track(None)

    @property
    def waiting(self) -> int:
        """The number of frames that wait for the net."""
        return self._connection.waiting if self._connection else 0

    @property
    def silence(self) -> float:
        """The seconds since something came of the source."""
        return self._connection.silence if self._connection else 0.0

    @property
    def summary(self) -> LiveSummary:
        """What there was so far."""
        dropped, damaged = self._dropped, self._damaged
        if self._connection:
            dropped += self._connection.dropped
            damaged += self._connection.damaged
        return LiveSummary(
            source=self._source.name,
            seconds=self._track.seconds if self._track else self._seconds,
            frames=self._frames,
            dropped=dropped,
            damaged=damaged,
            reconnects=self._reopened,
            segments=self._segments,
            latency=self._latencies.quantile(0.5),
            latency_95=self._latencies.quantile(0.95),
            longest_latency=self._latencies.longest,
        )

    def _leave(self) -> None:
        """Close the connection, if there is one, and keep its figures."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            self._dropped += connection.dropped
            self._damaged += connection.damaged

    def _waiting(self, connection: LiveConnection) -> Iterator[Sequence[WaitingFrame]]:
        """The frames that come, until no more do."""
        patience = self._reading.patience
        while not connection.ended:
            waiting = connection.take()
            if waiting:
                yield waiting
            elif connection.silence > patience:
                detail = f"nothing came of {self._source.name} for {patience:g} s"
                connection.error = VideoError(Reason.TIMEOUT, f"{detail}; --patience waits longer")
                return

    def _why_lost(self, connection: LiveConnection, failures: int) -> str:
        """Why a source is lost.

        Raises:
            Exception: It isn't opened again.
        """
        error = connection.error
        if error is not None and not (is_expected(error) and self._source.reopens and self._frames):
            raise error
        reason = str(error) if error else "it has ended"
        if failures > self._reconnects:
            raise VideoError(
                Reason.MISSING,
                f"{self._source.name} is lost after {failures - 1} attempts to open it again:"
                f" {reason}",
            )
        return reason

    def _score(self, waiting: Sequence[WaitingFrame]) -> Iterator[Seen]:
        """Score frames: the CNN on all at once, the head one after another."""
        batch = frame_batch([[frame.stored] for frame in waiting], self._kind)
        features_NF = self._run.features(batch.to(self._run.processor.device))
        for frame, features_F in zip(waiting, features_NF, strict=True):
            if self._track is None or frame.stretch != self._stretch:
                yield from self._end_track(None)
                self._begin_track(frame)
            assert self._track is not None
            self._frames += frame.times
            yield from self._counted(self._track.add(frame, features_F))

    def _begin_track(self, frame: WaitingFrame) -> None:
        begins = 0.0
        if self._first_arrived is None:
            self._first_arrived = frame.arrived - frame.seconds
        else:
            # behind what was before, with the time between
            passed = frame.arrived - self._first_arrived - frame.seconds
            begins = max(self._seconds, passed)
        self._stretch = frame.stretch
        self._track = LiveTrack(
            self._run, self._sliding, self._options, top=self._top, begins=begins
        )

    def _end_track(self, end: float | None) -> Iterator[Seen]:
        track, self._track = self._track, None
        if track is not None:
            yield from self._counted(track.finish(end))
            self._seconds = track.seconds

    def _counted(self, seen: Iterator[LiveFrame | Segment]) -> Iterator[LiveFrame | Segment]:
        for one in seen:
            if isinstance(one, LiveFrame):
                self._latencies.add(one.latency)
            else:
                self._segments += 1
            yield one


def _sliding(run: RunToPredict, options: ReadOptions) -> Sliding:
    """How a run goes through a stream.

    Raises:
        UsageError: It can't.
    """
    if run.why_no_stream is not None:
        besides = clip_planner(run, options).why_not_sliding
        raise UsageError(
            f"{run.why_no_stream}; besides, {besides}" if besides else run.why_no_stream
        )
    if run.clip_by_clip:
        raise UsageError(
            "a stream can't be scored as it comes: the CNN of the run sees differences between the"
            " frames of a clip; train with --frame-input frames"
        )
    return clip_planner(run, options).sliding()
