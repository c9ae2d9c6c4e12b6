"""Listening: the ports of a service, and what is said of one that cannot be had."""

from __future__ import annotations

import errno
import socket

from studio.settings import Misconfigured


def listener(setting: str, host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0: any free one. setting: that names the port.

    Misconfigured if it cannot be had: taken, not allowed, or no address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise Misconfigured("STUDIO_HOST", f"{host} is no address of this machine.") from error
        if error.errno == errno.EACCES:
            says = f"this user may not listen on port {port}; use one above 1023."
            raise Misconfigured(setting, says) from error
        raise Misconfigured(setting, f"port {port} of {host} is taken.") from error
