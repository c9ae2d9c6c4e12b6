"""The engines that can make pictures."""
