"""What a trained net says of video files."""
