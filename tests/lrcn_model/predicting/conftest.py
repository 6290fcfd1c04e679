"""The small videos and lists that tests of the data package have too."""

from __future__ import annotations

from tests.lrcn_data.conftest import video_lists, write_numbered, write_video

__all__ = ["video_lists", "write_numbered", "write_video"]
