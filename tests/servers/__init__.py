"""Real servers for the tests: found in the environment, in Docker, on the machine, or embedded."""
