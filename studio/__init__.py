"""The kernel: what every service shares, and no image operation."""
