"""The shard format: what its files hold, and how they are written and read."""
