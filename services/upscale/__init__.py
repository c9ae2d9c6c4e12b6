"""The upscale studio: more pixels, the same picture."""
