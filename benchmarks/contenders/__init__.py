"""Contenders in Python: one process each, so that its memory and start-up are its own."""
