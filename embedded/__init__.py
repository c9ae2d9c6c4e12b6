"""The embedded mode: every service in one process, on stores that keep their data on disk."""
