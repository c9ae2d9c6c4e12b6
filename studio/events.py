"""Events: facts about images and runs, as CloudEvents 1.0 in structured JSON.

These models are the one source: JSON Schema and the AsyncAPI document are generated from them.
`type` says what happened (`image.created`); the routing key adds who must act next, read off the
slip (`image.created.edit`), or nothing when it is a fact that nobody owes work for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from studio.bus.base import Lane, Message
from studio.imaging.facts import ImageFacts
from studio.money import Money
from studio.problems import Problem, Refused, in_words
from studio.shares import WHOLE, Share
from studio.slip import Slip, derived

#: CloudEvents intermediaries must forward at least 64 KiB; a slip of 64 steps fits well.
MAX_BYTES = 256 * 1024

#: The version of the data models. Readers accept every version listed; see docs/adr/0003.
SCHEMA_VERSION = 1

BLOB_PATTERN = r"^sha256:[0-9a-f]{64}$"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ImageRef(ImageFacts):
    """An image as an event carries it: a reference and facts, never pixels."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    blob: str = Field(pattern=BLOB_PATTERN, description="its key in the blob store")
    bytes: int = Field(default=0, ge=0, description="size of the blob; 0: not told")

    @property
    def facts(self) -> ImageFacts:
        """The facts alone."""
        return ImageFacts(
            width=self.width, height=self.height, media_type=self.media_type, alpha=self.alpha
        )


class Paid(_Data):
    """What a step has cost by the book of purchases: all of its calls together."""

    cost: Money
    revision: int = Field(
        ge=0, description="grows with what becomes known of the calls; of two, the greater holds"
    )


class StepRecord(_Data):
    """How an image came to be: enough to repeat it, price it and find its trace."""

    id: UUID
    operation: str
    index: int = Field(ge=0)
    params: dict[str, Any] = Field(default_factory=dict)
    provider: str = "local"
    label: str = Field(default="", description="what tells it from its siblings")
    details: dict[str, Any] = Field(default_factory=dict, description="seed, placement, scores …")
    notes: list[str] = Field(default_factory=list)
    seconds: float = Field(default=0, ge=0, description="how long the work took")
    quoted: Money = Money.zero()
    cost: Money = Field(default=Money.zero(), description="this image's part of what was paid")
    paid: Paid | None = Field(
        default=None, description="for the whole step, as far as known; null: it bought nothing"
    )


class About(_Data):
    """What people say of an image; any publisher may fill it in."""

    title: str | None = Field(default=None, max_length=300)
    description: str | None = Field(default=None, max_length=4000)
    alt_text: str | None = Field(default=None, max_length=2000)
    prompt: str | None = Field(default=None, max_length=10_000)
    tags: list[Annotated[str, Field(max_length=80)]] = Field(default_factory=list, max_length=100)
    collection: str | None = Field(default=None, max_length=200)


class ItemData(_Data):
    """One image on its way through a run. Outsiders need to give `image` only."""

    run: UUID | None = Field(default=None, description="null: derived from the event's id")
    item: UUID | None = Field(default=None, description="null: derived from the event's id")
    asset: UUID | None = Field(default=None, description="null: derived from the event's id")
    share: Share = WHOLE
    budget: Money | None = Field(default=None, description="what this item may still spend")
    workflow: str | None = Field(default=None, max_length=100)
    image: ImageRef | None = None
    slip: Slip = Slip()
    parents: list[UUID] = Field(default_factory=list, description="assets it was made from")
    parent_item: UUID | None = Field(default=None, description="the item that was divided into it")
    step: StepRecord | None = Field(default=None, description="null: not made by a studio")
    about: About = About()


class WorkflowStarted(ItemData):
    """A run begins (or one of the items that it begins with)."""


class ImageCreated(ItemData):
    """An image came into being, by a studio or outside."""

    image: ImageRef


class ImageEdited(ImageCreated):
    """An image was made from another by an edit."""


class ImageUpscaled(ImageCreated):
    """An image was enlarged."""


class ImageOptimized(ImageCreated):
    """A rendition for a placement was made."""


class ImageCatalogued(ImageCreated):
    """The library knows the image; with `returned`, its item has ended well."""

    returned: Share | None = None


class ImageFailed(ItemData):
    """An item ended without its image; it returns its share and says why."""

    returned: Share
    problem: Problem
    attempts: int = Field(default=1, ge=0)


class ImageDeleted(_Data):
    """An asset was deleted from the library."""

    asset: UUID
    blob: str = Field(pattern=BLOB_PATTERN)
    by: str | None = None


class RunEnded(_Data):
    """A run is over: every share has been returned."""

    run: UUID
    workflow: str | None = None
    catalogued: int = Field(ge=0, description="items that ended well")
    failed: int = Field(ge=0)
    cancelled: int = Field(default=0, ge=0)
    cost: Money = Money.zero()


class RunBilled(_Data):
    """What a step of a run has cost turned out to be another amount than was told of it: a call
    that was in doubt is settled. It may come after the run has ended."""

    run: UUID
    step_id: UUID
    paid: Paid


class RunCancelled(_Data):
    """A run was called off: whoever holds one of its items ends it instead of working on it."""

    run: UUID
    by: str | None = None


EVENT_TYPES: dict[str, type[_Data]] = {
    "workflow.started": WorkflowStarted,
    "workflow.completed": RunEnded,
    "workflow.failed": RunEnded,
    "workflow.cancelled": RunCancelled,
    "workflow.billed": RunBilled,
    "image.created": ImageCreated,
    "image.edited": ImageEdited,
    "image.upscaled": ImageUpscaled,
    "image.optimized": ImageOptimized,
    "image.catalogued": ImageCatalogued,
    "image.failed": ImageFailed,
    "image.deleted": ImageDeleted,
}

#: The fact that each studio publishes when it has made an image.
FACT_OF_STUDIO = {
    "create": "image.created",
    "edit": "image.edited",
    "upscale": "image.upscaled",
    "optimizer": "image.optimized",
    "library": "image.catalogued",
}


class Event(BaseModel):
    """A CloudEvent. Build with `Event.of`, read with `Event.parse`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content_type: ClassVar[str] = "application/cloudevents+json"

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=500, examples=["/studio/create"])
    type: str = Field(examples=sorted(EVENT_TYPES))
    subject: str | None = Field(default=None, max_length=500, description="item, asset or run")
    time: datetime = Field(default_factory=lambda: datetime.now(UTC))
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = Field(
        default=None, description="urn:image-studio:event:<type>:<version>; null: version 1"
    )
    workspace: str = Field(default="default", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    lane: Lane = Lane.INTERACTIVE
    traceparent: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
    )
    tracestate: str | None = Field(default=None, max_length=512)
    data: Any

    @model_validator(mode="after")
    def _typed(self) -> Self:
        """`data` becomes the model of its type; ids that were not given are derived."""
        model = EVENT_TYPES.get(self.type)
        if model is None:
            raise ValueError(f"unknown event type {self.type!r}; known: {', '.join(EVENT_TYPES)}")
        if self.dataschema not in (None, schema_urn(self.type)):
            raise ValueError(
                f"data version {self.dataschema!r} is not understood; this studio reads "
                f"{schema_urn(self.type)!r}"
            )
        data = self.data if isinstance(self.data, model) else model.model_validate(self.data)
        if isinstance(data, ItemData):
            data = data.model_copy(
                update={
                    name: derived(self.source, self.id, name)
                    for name in ("run", "item", "asset")
                    if getattr(data, name) is None
                }
            )
        object.__setattr__(self, "data", data)
        return self

    @classmethod
    def of(cls, type_: str, data: _Data, *, id_: object, source: str, **attributes: Any) -> Event:
        """A new event; `id_` should be derived, so that repeating the work repeats the id."""
        return cls(
            id=str(id_),
            source=source,
            type=type_,
            dataschema=schema_urn(type_),
            data=data,
            **attributes,
        )

    @classmethod
    def parse(cls, body: bytes) -> Event:
        """Read an event. Refused (`event.malformed`, `event.too_large`) says what is wrong."""
        if len(body) > MAX_BYTES:
            raise Refused(
                rule="event.too_large",
                says=f"The event has {len(body):,} bytes; at most {MAX_BYTES:,} are accepted.",
                fix="Events carry references: put pixels into the blob store and name the blob.",
            )
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise Refused(
                rule="event.malformed",
                says=f"The message is not an event that we understand: {in_words(error)}.",
                fix="Compare it with docs/events.md; correct the publisher, then publish again.",
            ) from error

    @property
    def routing_key(self) -> str:
        """`type`, plus the studio that must act next."""
        address = self.data.slip.address if self._travels else None
        return f"{self.type}.{address}" if address else self.type

    @property
    def _travels(self) -> bool:
        """Whether this event hands an item on (an ending or a run's fact never does)."""
        ended = isinstance(self.data, ImageFailed)
        return isinstance(self.data, ItemData) and not ended

    def to_message(self, *, address: str | None = None) -> Message:
        """The event as the bus carries it; `address` overrides the slip's."""
        key = f"{self.type}.{address}" if address else self.routing_key
        return Message(
            body=self.model_dump_json(exclude_none=True).encode(),
            routing_key=key,
            message_id=self.id,
            lane=self.lane,
            addressed=key != self.type,
        )


def schema_urn(type_: str) -> str:
    """The `dataschema` of an event type in the version that this code writes."""
    return f"urn:image-studio:event:{type_}:{SCHEMA_VERSION}"
