"""Pictures inside a page, as `data:` addresses."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrcn_data.size import Size

if TYPE_CHECKING:
    from PIL.Image import Image


def strip_uri(frames: Sequence[Image], size: Size, quality: int = 50) -> str:
    """Put the frames of a clip side by side into one small picture.

    One picture a clip costs a third of the bytes that its frames would by themselves; a page shows
    frame n of it by moving it n widths to the left.

    Args:
        frames: The frames, in mode RGB, in the order of time.
        size: The (width, height) in pixels of each frame on the strip; proportions are kept, the
            rest is black.
        quality: That of WebP, from 0 to 100.

    Returns:
        The address to use as a picture's `src`.
    """
    from PIL import Image, ImageOps

    width, height = size
    strip = Image.new("RGB", (width * len(frames), height))
    for number, frame in enumerate(frames):
        small = ImageOps.pad(frame, (width, height), Image.Resampling.BILINEAR)
        strip.paste(small, (number * width, 0))
    return picture_uri(strip, quality)


def picture_uri(picture: Image, quality: int = 75) -> str:
    """Make the address of a picture, compressed as WebP.

    Args:
        picture: The picture, in mode RGB.
        quality: That of WebP, from 0 to 100.
    """
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
