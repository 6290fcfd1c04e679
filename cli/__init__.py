"""The commands: `lrcn-data`, `lrcn-train`, `lrcn-eval` and `lrcn-predict`; nothing imports them."""
