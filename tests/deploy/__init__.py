"""What is in deploy/ is checked by the tools a platform team would use, and by its own ties."""
