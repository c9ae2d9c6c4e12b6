"""The create studio: images from prompts, and photos brought in from outside."""
