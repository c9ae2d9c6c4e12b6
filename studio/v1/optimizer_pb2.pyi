from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Margins(_message.Message):
    __slots__ = ("top", "bottom", "left", "right")
    TOP_FIELD_NUMBER: _ClassVar[int]
    BOTTOM_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    top: int
    bottom: int
    left: int
    right: int
    def __init__(self, top: _Optional[int] = ..., bottom: _Optional[int] = ..., left: _Optional[int] = ..., right: _Optional[int] = ...) -> None: ...

class ProductRules(_message.Message):
    __slots__ = ("background", "min_fill", "max_fill", "forbids", "keep_digital_source_type")
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    MIN_FILL_FIELD_NUMBER: _ClassVar[int]
    MAX_FILL_FIELD_NUMBER: _ClassVar[int]
    FORBIDS_FIELD_NUMBER: _ClassVar[int]
    KEEP_DIGITAL_SOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    background: str
    min_fill: float
    max_fill: float
    forbids: _containers.RepeatedScalarFieldContainer[str]
    keep_digital_source_type: bool
    def __init__(self, background: _Optional[str] = ..., min_fill: _Optional[float] = ..., max_fill: _Optional[float] = ..., forbids: _Optional[_Iterable[str]] = ..., keep_digital_source_type: _Optional[bool] = ...) -> None: ...

class Upcoming(_message.Message):
    __slots__ = ("since", "changes")
    class ChangesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    SINCE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    since: str
    changes: _containers.ScalarMap[str, int]
    def __init__(self, since: _Optional[str] = ..., changes: _Optional[_Mapping[str, int]] = ...) -> None: ...

class Placement(_message.Message):
    __slots__ = ("id", "platform", "name", "width", "height", "aspect", "shape", "formats", "also_accepts", "max_bytes", "advised_bytes", "min_bytes", "min_width", "min_height", "max_width", "max_height", "max_pixels", "min_ratio", "max_ratio", "min_images", "max_images", "safe_margins", "alt_text_required", "product", "notes", "recheck", "source", "checked_on", "valid_from", "valid_until", "upcoming")
    ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    ASPECT_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    FORMATS_FIELD_NUMBER: _ClassVar[int]
    ALSO_ACCEPTS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    ADVISED_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIN_BYTES_FIELD_NUMBER: _ClassVar[int]
    MIN_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MIN_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_WIDTH_FIELD_NUMBER: _ClassVar[int]
    MAX_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MIN_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_RATIO_FIELD_NUMBER: _ClassVar[int]
    MIN_IMAGES_FIELD_NUMBER: _ClassVar[int]
    MAX_IMAGES_FIELD_NUMBER: _ClassVar[int]
    SAFE_MARGINS_FIELD_NUMBER: _ClassVar[int]
    ALT_TEXT_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    RECHECK_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHECKED_ON_FIELD_NUMBER: _ClassVar[int]
    VALID_FROM_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_FIELD_NUMBER: _ClassVar[int]
    UPCOMING_FIELD_NUMBER: _ClassVar[int]
    id: str
    platform: str
    name: str
    width: int
    height: int
    aspect: str
    shape: str
    formats: _containers.RepeatedScalarFieldContainer[str]
    also_accepts: _containers.RepeatedScalarFieldContainer[str]
    max_bytes: int
    advised_bytes: int
    min_bytes: int
    min_width: int
    min_height: int
    max_width: int
    max_height: int
    max_pixels: int
    min_ratio: float
    max_ratio: float
    min_images: int
    max_images: int
    safe_margins: Margins
    alt_text_required: bool
    product: ProductRules
    notes: _containers.RepeatedScalarFieldContainer[str]
    recheck: bool
    source: str
    checked_on: str
    valid_from: str
    valid_until: str
    upcoming: _containers.RepeatedCompositeFieldContainer[Upcoming]
    def __init__(self, id: _Optional[str] = ..., platform: _Optional[str] = ..., name: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., aspect: _Optional[str] = ..., shape: _Optional[str] = ..., formats: _Optional[_Iterable[str]] = ..., also_accepts: _Optional[_Iterable[str]] = ..., max_bytes: _Optional[int] = ..., advised_bytes: _Optional[int] = ..., min_bytes: _Optional[int] = ..., min_width: _Optional[int] = ..., min_height: _Optional[int] = ..., max_width: _Optional[int] = ..., max_height: _Optional[int] = ..., max_pixels: _Optional[int] = ..., min_ratio: _Optional[float] = ..., max_ratio: _Optional[float] = ..., min_images: _Optional[int] = ..., max_images: _Optional[int] = ..., safe_margins: _Optional[_Union[Margins, _Mapping]] = ..., alt_text_required: _Optional[bool] = ..., product: _Optional[_Union[ProductRules, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ..., recheck: _Optional[bool] = ..., source: _Optional[str] = ..., checked_on: _Optional[str] = ..., valid_from: _Optional[str] = ..., valid_until: _Optional[str] = ..., upcoming: _Optional[_Iterable[_Union[Upcoming, _Mapping]]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("what", "urls", "primary")
    WHAT_FIELD_NUMBER: _ClassVar[int]
    URLS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    what: str
    urls: _containers.RepeatedScalarFieldContainer[str]
    primary: bool
    def __init__(self, what: _Optional[str] = ..., urls: _Optional[_Iterable[str]] = ..., primary: _Optional[bool] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("version", "checked_on", "reconstructed", "placements", "newest")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHECKED_ON_FIELD_NUMBER: _ClassVar[int]
    RECONSTRUCTED_FIELD_NUMBER: _ClassVar[int]
    PLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    version: str
    checked_on: str
    reconstructed: str
    placements: int
    newest: bool
    def __init__(self, version: _Optional[str] = ..., checked_on: _Optional[str] = ..., reconstructed: _Optional[str] = ..., placements: _Optional[int] = ..., newest: _Optional[bool] = ...) -> None: ...

class ListVersionsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[Version]
    def __init__(self, versions: _Optional[_Iterable[_Union[Version, _Mapping]]] = ...) -> None: ...

class ListPlacementsRequest(_message.Message):
    __slots__ = ("version", "platform")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    version: str
    platform: str
    def __init__(self, version: _Optional[str] = ..., platform: _Optional[str] = ...) -> None: ...

class ListPlacementsResponse(_message.Message):
    __slots__ = ("version", "checked_on", "reconstructed", "placements", "sources")
    class SourcesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Source
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHECKED_ON_FIELD_NUMBER: _ClassVar[int]
    RECONSTRUCTED_FIELD_NUMBER: _ClassVar[int]
    PLACEMENTS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    version: str
    checked_on: str
    reconstructed: str
    placements: _containers.RepeatedCompositeFieldContainer[Placement]
    sources: _containers.MessageMap[str, Source]
    def __init__(self, version: _Optional[str] = ..., checked_on: _Optional[str] = ..., reconstructed: _Optional[str] = ..., placements: _Optional[_Iterable[_Union[Placement, _Mapping]]] = ..., sources: _Optional[_Mapping[str, Source]] = ...) -> None: ...

class GetPlacementRequest(_message.Message):
    __slots__ = ("id", "version")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    version: str
    def __init__(self, id: _Optional[str] = ..., version: _Optional[str] = ...) -> None: ...

class GetPlacementResponse(_message.Message):
    __slots__ = ("version", "placement", "sources")
    class SourcesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Source
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Source, _Mapping]] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    version: str
    placement: Placement
    sources: _containers.MessageMap[str, Source]
    def __init__(self, version: _Optional[str] = ..., placement: _Optional[_Union[Placement, _Mapping]] = ..., sources: _Optional[_Mapping[str, Source]] = ...) -> None: ...

class DiffRequest(_message.Message):
    __slots__ = ("old_version", "new_version")
    OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    old_version: str
    new_version: str
    def __init__(self, old_version: _Optional[str] = ..., new_version: _Optional[str] = ...) -> None: ...

class FieldChange(_message.Message):
    __slots__ = ("field", "old", "new", "says")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    OLD_FIELD_NUMBER: _ClassVar[int]
    NEW_FIELD_NUMBER: _ClassVar[int]
    SAYS_FIELD_NUMBER: _ClassVar[int]
    field: str
    old: _struct_pb2.Value
    new: _struct_pb2.Value
    says: str
    def __init__(self, field: _Optional[str] = ..., old: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., new: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., says: _Optional[str] = ...) -> None: ...

class PlacementChange(_message.Message):
    __slots__ = ("id", "platform", "name", "changes")
    ID_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    id: str
    platform: str
    name: str
    changes: _containers.RepeatedCompositeFieldContainer[FieldChange]
    def __init__(self, id: _Optional[str] = ..., platform: _Optional[str] = ..., name: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[FieldChange, _Mapping]]] = ...) -> None: ...

class DiffResponse(_message.Message):
    __slots__ = ("old_version", "new_version", "added", "removed", "changed", "says")
    OLD_VERSION_FIELD_NUMBER: _ClassVar[int]
    NEW_VERSION_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    SAYS_FIELD_NUMBER: _ClassVar[int]
    old_version: str
    new_version: str
    added: _containers.RepeatedCompositeFieldContainer[Placement]
    removed: _containers.RepeatedCompositeFieldContainer[Placement]
    changed: _containers.RepeatedCompositeFieldContainer[PlacementChange]
    says: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, old_version: _Optional[str] = ..., new_version: _Optional[str] = ..., added: _Optional[_Iterable[_Union[Placement, _Mapping]]] = ..., removed: _Optional[_Iterable[_Union[Placement, _Mapping]]] = ..., changed: _Optional[_Iterable[_Union[PlacementChange, _Mapping]]] = ..., says: _Optional[_Iterable[str]] = ...) -> None: ...

class GuideRequest(_message.Message):
    __slots__ = ("placement", "version", "png")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    placement: str
    version: str
    png: bool
    def __init__(self, placement: _Optional[str] = ..., version: _Optional[str] = ..., png: _Optional[bool] = ...) -> None: ...

class GuideResponse(_message.Message):
    __slots__ = ("version", "document", "png")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    version: str
    document: _struct_pb2.Struct
    png: bytes
    def __init__(self, version: _Optional[str] = ..., document: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., png: _Optional[bytes] = ...) -> None: ...

class RenditionFacts(_message.Message):
    __slots__ = ("placement", "width", "height", "format", "bytes", "version", "has_alt_text")
    PLACEMENT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HAS_ALT_TEXT_FIELD_NUMBER: _ClassVar[int]
    placement: str
    width: int
    height: int
    format: str
    bytes: int
    version: str
    has_alt_text: bool
    def __init__(self, placement: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., format: _Optional[str] = ..., bytes: _Optional[int] = ..., version: _Optional[str] = ..., has_alt_text: _Optional[bool] = ...) -> None: ...

class CheckComplianceRequest(_message.Message):
    __slots__ = ("renditions", "version")
    RENDITIONS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    renditions: _containers.RepeatedCompositeFieldContainer[RenditionFacts]
    version: str
    def __init__(self, renditions: _Optional[_Iterable[_Union[RenditionFacts, _Mapping]]] = ..., version: _Optional[str] = ...) -> None: ...

class Breach(_message.Message):
    __slots__ = ("rule", "says", "since")
    RULE_FIELD_NUMBER: _ClassVar[int]
    SAYS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    rule: str
    says: str
    since: str
    def __init__(self, rule: _Optional[str] = ..., says: _Optional[str] = ..., since: _Optional[str] = ...) -> None: ...

class Compliance(_message.Message):
    __slots__ = ("breaches",)
    BREACHES_FIELD_NUMBER: _ClassVar[int]
    breaches: _containers.RepeatedCompositeFieldContainer[Breach]
    def __init__(self, breaches: _Optional[_Iterable[_Union[Breach, _Mapping]]] = ...) -> None: ...

class CheckComplianceResponse(_message.Message):
    __slots__ = ("version", "renditions")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RENDITIONS_FIELD_NUMBER: _ClassVar[int]
    version: str
    renditions: _containers.RepeatedCompositeFieldContainer[Compliance]
    def __init__(self, version: _Optional[str] = ..., renditions: _Optional[_Iterable[_Union[Compliance, _Mapping]]] = ...) -> None: ...
