import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from studio.v1 import studio_pb2 as _studio_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Asset(_message.Message):
    __slots__ = ("id", "workspace", "blob", "bytes", "image", "thumbnail", "event_type", "source", "run", "item", "workflow", "parents", "operation", "step_index", "params", "provider", "label", "details", "notes", "quoted", "cost", "seconds", "trace_id", "prompt", "title", "description", "alt_text", "tags", "collections", "favourite", "downloads", "last_downloaded_at", "created_at", "updated_at", "needs_review", "review", "reviewed_at", "shares", "last_shared_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    ITEM_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    STEP_INDEX_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    QUOTED_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ALT_TEXT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADS_FIELD_NUMBER: _ClassVar[int]
    LAST_DOWNLOADED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    NEEDS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_AT_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    LAST_SHARED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    workspace: str
    blob: str
    bytes: int
    image: _studio_pb2.ImageFacts
    thumbnail: str
    event_type: str
    source: str
    run: str
    item: str
    workflow: str
    parents: _containers.RepeatedScalarFieldContainer[str]
    operation: str
    step_index: int
    params: _struct_pb2.Struct
    provider: str
    label: str
    details: _struct_pb2.Struct
    notes: _containers.RepeatedScalarFieldContainer[str]
    quoted: _studio_pb2.Money
    cost: _studio_pb2.Money
    seconds: float
    trace_id: str
    prompt: str
    title: str
    description: str
    alt_text: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    collections: _containers.RepeatedScalarFieldContainer[str]
    favourite: bool
    downloads: int
    last_downloaded_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    needs_review: str
    review: str
    reviewed_at: _timestamp_pb2.Timestamp
    shares: int
    last_shared_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., workspace: _Optional[str] = ..., blob: _Optional[str] = ..., bytes: _Optional[int] = ..., image: _Optional[_Union[_studio_pb2.ImageFacts, _Mapping]] = ..., thumbnail: _Optional[str] = ..., event_type: _Optional[str] = ..., source: _Optional[str] = ..., run: _Optional[str] = ..., item: _Optional[str] = ..., workflow: _Optional[str] = ..., parents: _Optional[_Iterable[str]] = ..., operation: _Optional[str] = ..., step_index: _Optional[int] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., provider: _Optional[str] = ..., label: _Optional[str] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ..., quoted: _Optional[_Union[_studio_pb2.Money, _Mapping]] = ..., cost: _Optional[_Union[_studio_pb2.Money, _Mapping]] = ..., seconds: _Optional[float] = ..., trace_id: _Optional[str] = ..., prompt: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., alt_text: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., collections: _Optional[_Iterable[str]] = ..., favourite: _Optional[bool] = ..., downloads: _Optional[int] = ..., last_downloaded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., needs_review: _Optional[str] = ..., review: _Optional[str] = ..., reviewed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shares: _Optional[int] = ..., last_shared_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListAssetsRequest(_message.Message):
    __slots__ = ("workspace", "cursor", "limit", "query", "run", "workflow", "operation", "provider", "collection", "tags", "favourite", "blob", "parent", "media_type", "created_from", "created_to", "sort", "label", "needs_review", "reviewed", "review")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_TO_FIELD_NUMBER: _ClassVar[int]
    SORT_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    NEEDS_REVIEW_FIELD_NUMBER: _ClassVar[int]
    REVIEWED_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    cursor: str
    limit: int
    query: str
    run: str
    workflow: str
    operation: str
    provider: str
    collection: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    favourite: bool
    blob: str
    parent: str
    media_type: str
    created_from: _timestamp_pb2.Timestamp
    created_to: _timestamp_pb2.Timestamp
    sort: str
    label: str
    needs_review: bool
    reviewed: bool
    review: str
    def __init__(self, workspace: _Optional[str] = ..., cursor: _Optional[str] = ..., limit: _Optional[int] = ..., query: _Optional[str] = ..., run: _Optional[str] = ..., workflow: _Optional[str] = ..., operation: _Optional[str] = ..., provider: _Optional[str] = ..., collection: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., favourite: _Optional[bool] = ..., blob: _Optional[str] = ..., parent: _Optional[str] = ..., media_type: _Optional[str] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sort: _Optional[str] = ..., label: _Optional[str] = ..., needs_review: _Optional[bool] = ..., reviewed: _Optional[bool] = ..., review: _Optional[str] = ...) -> None: ...

class ListAssetsResponse(_message.Message):
    __slots__ = ("assets", "next_cursor")
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[Asset]
    next_cursor: str
    def __init__(self, assets: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetAssetRequest(_message.Message):
    __slots__ = ("workspace", "id")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    id: str
    def __init__(self, workspace: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class UpdateAssetRequest(_message.Message):
    __slots__ = ("workspace", "id", "title", "description", "alt_text", "favourite", "add_tags", "remove_tags", "add_collections", "remove_collections", "review")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ALT_TEXT_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_FIELD_NUMBER: _ClassVar[int]
    ADD_TAGS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_TAGS_FIELD_NUMBER: _ClassVar[int]
    ADD_COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    REVIEW_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    id: str
    title: str
    description: str
    alt_text: str
    favourite: bool
    add_tags: _containers.RepeatedScalarFieldContainer[str]
    remove_tags: _containers.RepeatedScalarFieldContainer[str]
    add_collections: _containers.RepeatedScalarFieldContainer[str]
    remove_collections: _containers.RepeatedScalarFieldContainer[str]
    review: str
    def __init__(self, workspace: _Optional[str] = ..., id: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., alt_text: _Optional[str] = ..., favourite: _Optional[bool] = ..., add_tags: _Optional[_Iterable[str]] = ..., remove_tags: _Optional[_Iterable[str]] = ..., add_collections: _Optional[_Iterable[str]] = ..., remove_collections: _Optional[_Iterable[str]] = ..., review: _Optional[str] = ...) -> None: ...

class DeleteAssetRequest(_message.Message):
    __slots__ = ("workspace", "id", "by")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    id: str
    by: str
    def __init__(self, workspace: _Optional[str] = ..., id: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class DeleteAssetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ChangeAssetsRequest(_message.Message):
    __slots__ = ("workspace", "ids", "filters", "change", "delete", "by")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    FILTERS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    filters: ListAssetsRequest
    change: UpdateAssetRequest
    delete: bool
    by: str
    def __init__(self, workspace: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., filters: _Optional[_Union[ListAssetsRequest, _Mapping]] = ..., change: _Optional[_Union[UpdateAssetRequest, _Mapping]] = ..., delete: _Optional[bool] = ..., by: _Optional[str] = ...) -> None: ...

class ChangeAssetsResponse(_message.Message):
    __slots__ = ("assets",)
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[AssetChange]
    def __init__(self, assets: _Optional[_Iterable[_Union[AssetChange, _Mapping]]] = ...) -> None: ...

class AssetChange(_message.Message):
    __slots__ = ("id", "outcome", "problem")
    ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    id: str
    outcome: str
    problem: str
    def __init__(self, id: _Optional[str] = ..., outcome: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class CompareAssetsRequest(_message.Message):
    __slots__ = ("workspace", "ids", "sheet", "scale")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    sheet: bool
    scale: str
    def __init__(self, workspace: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., sheet: _Optional[bool] = ..., scale: _Optional[str] = ...) -> None: ...

class CompareAssetsResponse(_message.Message):
    __slots__ = ("assets", "sheet")
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    assets: _containers.RepeatedCompositeFieldContainer[Asset]
    sheet: bytes
    def __init__(self, assets: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ..., sheet: _Optional[bytes] = ...) -> None: ...

class GetLineageRequest(_message.Message):
    __slots__ = ("workspace", "id", "depth")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    id: str
    depth: int
    def __init__(self, workspace: _Optional[str] = ..., id: _Optional[str] = ..., depth: _Optional[int] = ...) -> None: ...

class GetLineageResponse(_message.Message):
    __slots__ = ("ancestors", "descendants")
    ANCESTORS_FIELD_NUMBER: _ClassVar[int]
    DESCENDANTS_FIELD_NUMBER: _ClassVar[int]
    ancestors: _containers.RepeatedCompositeFieldContainer[Asset]
    descendants: _containers.RepeatedCompositeFieldContainer[Asset]
    def __init__(self, ancestors: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ..., descendants: _Optional[_Iterable[_Union[Asset, _Mapping]]] = ...) -> None: ...

class RecordDownloadRequest(_message.Message):
    __slots__ = ("workspace", "ids", "download_id")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_ID_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    download_id: str
    def __init__(self, workspace: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., download_id: _Optional[str] = ...) -> None: ...

class RecordDownloadResponse(_message.Message):
    __slots__ = ("counted",)
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    counted: int
    def __init__(self, counted: _Optional[int] = ...) -> None: ...

class RecordShareRequest(_message.Message):
    __slots__ = ("workspace", "ids", "share_id")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    SHARE_ID_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    ids: _containers.RepeatedScalarFieldContainer[str]
    share_id: str
    def __init__(self, workspace: _Optional[str] = ..., ids: _Optional[_Iterable[str]] = ..., share_id: _Optional[str] = ...) -> None: ...

class RecordShareResponse(_message.Message):
    __slots__ = ("counted",)
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    counted: int
    def __init__(self, counted: _Optional[int] = ...) -> None: ...

class Collection(_message.Message):
    __slots__ = ("name", "description", "assets", "created_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    assets: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., assets: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListCollectionsRequest(_message.Message):
    __slots__ = ("workspace",)
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    def __init__(self, workspace: _Optional[str] = ...) -> None: ...

class ListCollectionsResponse(_message.Message):
    __slots__ = ("collections",)
    COLLECTIONS_FIELD_NUMBER: _ClassVar[int]
    collections: _containers.RepeatedCompositeFieldContainer[Collection]
    def __init__(self, collections: _Optional[_Iterable[_Union[Collection, _Mapping]]] = ...) -> None: ...

class PutCollectionRequest(_message.Message):
    __slots__ = ("workspace", "name", "description")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    name: str
    description: str
    def __init__(self, workspace: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class DeleteCollectionRequest(_message.Message):
    __slots__ = ("workspace", "name")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    name: str
    def __init__(self, workspace: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DeleteCollectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetUsageRequest(_message.Message):
    __slots__ = ("workspace", "run", "workflow", "collection", "created_from", "created_to")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    COLLECTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_TO_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    run: str
    workflow: str
    collection: str
    created_from: _timestamp_pb2.Timestamp
    created_to: _timestamp_pb2.Timestamp
    def __init__(self, workspace: _Optional[str] = ..., run: _Optional[str] = ..., workflow: _Optional[str] = ..., collection: _Optional[str] = ..., created_from: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("assets", "bytes", "favourites", "downloads", "cost", "assets_by_operation", "assets_by_provider", "cost_by_operation", "costs", "shares")
    class AssetsByOperationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class AssetsByProviderEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class CostByOperationEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    FAVOURITES_FIELD_NUMBER: _ClassVar[int]
    DOWNLOADS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    ASSETS_BY_OPERATION_FIELD_NUMBER: _ClassVar[int]
    ASSETS_BY_PROVIDER_FIELD_NUMBER: _ClassVar[int]
    COST_BY_OPERATION_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    assets: int
    bytes: int
    favourites: int
    downloads: int
    cost: _studio_pb2.Money
    assets_by_operation: _containers.ScalarMap[str, int]
    assets_by_provider: _containers.ScalarMap[str, int]
    cost_by_operation: _containers.ScalarMap[str, str]
    costs: _containers.RepeatedCompositeFieldContainer[_studio_pb2.Money]
    shares: int
    def __init__(self, assets: _Optional[int] = ..., bytes: _Optional[int] = ..., favourites: _Optional[int] = ..., downloads: _Optional[int] = ..., cost: _Optional[_Union[_studio_pb2.Money, _Mapping]] = ..., assets_by_operation: _Optional[_Mapping[str, int]] = ..., assets_by_provider: _Optional[_Mapping[str, int]] = ..., cost_by_operation: _Optional[_Mapping[str, str]] = ..., costs: _Optional[_Iterable[_Union[_studio_pb2.Money, _Mapping]]] = ..., shares: _Optional[int] = ...) -> None: ...
