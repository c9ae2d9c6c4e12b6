"""What the optimizer can do, one file each."""
