"""The commands: `lrcn-data`, `-train`, `-search`, `-eval`, `-predict` and `-export`.

Nothing imports them.
"""
