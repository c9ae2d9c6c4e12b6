"""Run the gateway: `python -m gateway`."""

from gateway.service import gateway
from gateway.settings import GatewaySettings
from studio.startup import main

if __name__ == "__main__":
    main("gateway", gateway, GatewaySettings)
