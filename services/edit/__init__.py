"""The edit studio: one image in, the same image changed."""
