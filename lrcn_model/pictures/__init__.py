"""Static pictures of what runs have found: drawn from numbers and names, without any net."""
