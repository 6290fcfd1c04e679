"""Stage 1: videos to WebDataset shards of sampled frame sequences, and the shard format itself."""
