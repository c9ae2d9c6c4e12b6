"""Run the upscale service: `python -m services.upscale`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from services.upscale.service import upscale
from studio.providers.accounts import ProviderSettings
from studio.startup import main

if __name__ == "__main__":
    main("upscale", upscale, ProviderSettings)
