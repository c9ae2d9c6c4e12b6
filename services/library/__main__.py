"""Run the library service: `python -m services.library`."""

import studio.signals  # noqa: F401 - the first import: it hears SIGTERM from now on
from services.library.service import library
from services.library.settings import LibrarySettings
from studio.startup import main

if __name__ == "__main__":
    main("library", library, LibrarySettings)
