"""What the library can be asked to do as a step of a slip."""
