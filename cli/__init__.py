"""The commands: `lrcn-data`, `lrcn-train`, `lrcn-search`, `lrcn-eval` and `lrcn-predict`.

Nothing imports them.
"""
