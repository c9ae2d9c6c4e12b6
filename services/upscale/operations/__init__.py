"""What the upscale studio can do, one file each."""
