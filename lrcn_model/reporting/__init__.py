"""A page that shows what runs have learnt: curves, figures, and the clips behind them."""
