"""The gateway: the HTTP API, workflows as data, quotes, and the tracker of runs."""
