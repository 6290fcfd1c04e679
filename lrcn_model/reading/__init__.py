"""Reads shards, and makes batches of clips on the device from them."""
