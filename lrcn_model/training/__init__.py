"""Training: begin with `loop`, which reads from top to bottom.

`run` goes from the options to the end of a training; `preparation` makes what the loop is given;
`step` is one step of the optimizer.
"""
