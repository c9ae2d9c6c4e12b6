"""What the edit studio can do, one file each."""
