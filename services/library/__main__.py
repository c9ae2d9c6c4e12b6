"""Run the library service: `python -m services.library`."""

from services.library.service import library
from services.library.settings import LibrarySettings
from studio.startup import main

if __name__ == "__main__":
    main("library", library, LibrarySettings)
