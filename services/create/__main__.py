"""Run the create service: `python -m services.create`."""

from services.create.service import create
from services.create.settings import CreateSettings
from studio.startup import main

if __name__ == "__main__":
    main("create", create, CreateSettings)
