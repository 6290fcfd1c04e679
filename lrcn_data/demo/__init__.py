"""The generated data set: small videos that only the order of frames tells apart."""
