"""The engines that can enlarge."""
