"""Benchmarks: what the optimizer costs beside the best known ways to do the same."""
