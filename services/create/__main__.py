"""Run the create service: `python -m services.create`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from services.create.service import create
from services.create.settings import CreateSettings
from studio.startup import main

if __name__ == "__main__":
    main("create", create, CreateSettings)
