"""The engines that can edit."""
