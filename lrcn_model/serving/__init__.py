"""A local page on which one drops a video, and sees what a trained net says of it when."""
