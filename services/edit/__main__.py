"""Run the edit service: `python -m services.edit`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from services.edit.service import edit
from studio.providers.accounts import ProviderSettings
from studio.startup import main

if __name__ == "__main__":
    main("edit", edit, ProviderSettings)
