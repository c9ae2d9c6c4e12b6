"""Run the optimizer service: `python -m services.optimizer`."""

from services.optimizer.service import optimizer
from studio.startup import main

if __name__ == "__main__":
    main("optimizer", optimizer)
