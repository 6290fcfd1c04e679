"""What --device and --amp can name; nothing here needs torch."""

from __future__ import annotations

DEVICES = ("auto", "cpu", "cuda")
"""What --device can name."""

PRECISIONS = ("auto", "off", "bf16", "fp16")
"""What --amp can name."""
