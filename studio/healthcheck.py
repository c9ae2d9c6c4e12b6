"""The container's health check: `python -m studio.healthcheck [/readyz]`.

Asks the path, /livez if none is given, on STUDIO_HTTP_PORT; exit status 0 if it answers 200, else
1. It imports nothing of ours, as it runs every few seconds.
"""

from __future__ import annotations

import os
import sys
from urllib.error import URLError
from urllib.request import urlopen

_SECONDS = 3
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound


def main() -> int:
    """The exit status; says why if it is not 0."""
    host, port = os.environ.get("STUDIO_HOST", "127.0.0.1"), os.environ.get("STUDIO_HTTP_PORT", "0")
    if not port.isdigit() or port == "0":
        print("STUDIO_HTTP_PORT names no port, so nobody can be asked.", file=sys.stderr)
        return 1
    path = (sys.argv[1:2] or ["/livez"])[0]
    url = f"http://{_EVERYWHERE.get(host, host)}:{port}{path}"
    try:
        with urlopen(url, timeout=_SECONDS) as answer:
            return 0 if answer.status == 200 else 1
    except (URLError, OSError) as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
