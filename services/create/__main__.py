"""Run the create service: `python -m services.create`."""

from services.create.service import create
from studio.providers.accounts import ProviderSettings
from studio.service import main

if __name__ == "__main__":
    main("create", create, ProviderSettings)
