"""Stage 2: reads shards, trains the CNN-LSTM on them, and scores and predicts with it."""
