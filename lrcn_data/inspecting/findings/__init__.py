"""What looks wrong with the clips of a data set, one file a kind; `finding_kinds` lists them."""
