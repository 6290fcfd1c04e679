"""Presets for `lrcn-train --config`: each TOML file here is one, by its name."""
