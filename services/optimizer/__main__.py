"""Run the optimizer service: `python -m services.optimizer`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from services.optimizer.service import optimizer
from studio.startup import main

if __name__ == "__main__":
    main("optimizer", optimizer)
