"""Images, events and rows for the tests of the library."""

import io
from typing import Any
from uuid import uuid4

from PIL import Image as Pillow

from services.library.asset import row_of
from studio.events import Event
from studio.metadata import Document

BLOB = "sha256:" + "0" * 64
THUMBNAIL = "sha256:" + "1" * 64


def picture(colour: Any = "red", size: tuple[int, int] = (40, 30), kind: str = "PNG") -> bytes:
    """The file of a picture of one colour."""
    file = io.BytesIO()
    Pillow.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(file, kind)
    return file.getvalue()


def announced(
    *, id_: str | None = None, type_: str = "image.created", workspace: str = "default", **data: Any
) -> Event:
    """An event as an outsider publishes it; ids that are not given are derived from its id."""
    image = {"blob": BLOB, "width": 40, "height": 30}
    return Event.model_validate(
        {
            "specversion": "1.0",
            "id": id_ or str(uuid4()),
            "source": "/test",
            "type": type_,
            "workspace": workspace,
            "data": {"image": image, **data},
        }
    )


def step(operation: str = "create.generate", **facts: Any) -> dict[str, Any]:
    """A step record of an event."""
    return {"id": str(uuid4()), "operation": operation, "index": 0, **facts}


def row(fields: Document | None = None, **event: Any) -> Document:
    """The row that an event becomes, with some fields as a test wants them."""
    told = announced(**event)
    return {**row_of(told, told.data, told.data.image, THUMBNAIL), **(fields or {})}
