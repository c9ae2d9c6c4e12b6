"""The `studio` command: an ordinary client of the HTTP API, plus `studio up`."""
