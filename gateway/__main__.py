"""Run the gateway: `python -m gateway`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from gateway.service import gateway
from gateway.settings import GatewaySettings
from studio.startup import main

if __name__ == "__main__":
    main("gateway", gateway, GatewaySettings)
