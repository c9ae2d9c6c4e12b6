"""What the create studio can do, one file each."""
