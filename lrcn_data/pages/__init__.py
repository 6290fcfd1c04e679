"""Pages of HTML, each a single file that opens from a disk and asks the network for nothing."""
