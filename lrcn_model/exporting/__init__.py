"""A trained net as a file that runs without lrcn: ONNX, or a program of torch.export."""
