from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DescribeResponse(_message.Message):
    __slots__ = ("studio", "operations")
    STUDIO_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    studio: str
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    def __init__(self, studio: _Optional[str] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("name", "summary", "params_schema", "providers", "needs_image", "limits", "unit_prices", "engines", "absent")
    class UnitPricesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: PriceRange
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[PriceRange, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    PARAMS_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_IMAGE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICES_FIELD_NUMBER: _ClassVar[int]
    ENGINES_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    summary: str
    params_schema: _struct_pb2.Struct
    providers: _containers.RepeatedScalarFieldContainer[str]
    needs_image: bool
    limits: _containers.RepeatedScalarFieldContainer[str]
    unit_prices: _containers.MessageMap[str, PriceRange]
    engines: _containers.RepeatedCompositeFieldContainer[Engine]
    absent: _containers.RepeatedCompositeFieldContainer[AbsentProvider]
    def __init__(self, name: _Optional[str] = ..., summary: _Optional[str] = ..., params_schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., providers: _Optional[_Iterable[str]] = ..., needs_image: _Optional[bool] = ..., limits: _Optional[_Iterable[str]] = ..., unit_prices: _Optional[_Mapping[str, PriceRange]] = ..., engines: _Optional[_Iterable[_Union[Engine, _Mapping]]] = ..., absent: _Optional[_Iterable[_Union[AbsentProvider, _Mapping]]] = ...) -> None: ...

class AbsentProvider(_message.Message):
    __slots__ = ("provider", "problem", "account")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    problem: str
    account: str
    def __init__(self, provider: _Optional[str] = ..., problem: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class Engine(_message.Message):
    __slots__ = ("provider", "products", "account")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    products: _containers.RepeatedCompositeFieldContainer[Product]
    account: str
    def __init__(self, provider: _Optional[str] = ..., products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., account: _Optional[str] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("name", "unit", "price", "limits", "source", "checked_on", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CHECKED_ON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: str
    price: PriceRange
    limits: _containers.RepeatedScalarFieldContainer[str]
    source: str
    checked_on: str
    note: str
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[str] = ..., price: _Optional[_Union[PriceRange, _Mapping]] = ..., limits: _Optional[_Iterable[str]] = ..., source: _Optional[str] = ..., checked_on: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class QuoteRequest(_message.Message):
    __slots__ = ("workspace", "operation", "params", "provider", "image")
    WORKSPACE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    workspace: str
    operation: str
    params: _struct_pb2.Struct
    provider: str
    image: ImageFacts
    def __init__(self, workspace: _Optional[str] = ..., operation: _Optional[str] = ..., params: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., provider: _Optional[str] = ..., image: _Optional[_Union[ImageFacts, _Mapping]] = ...) -> None: ...

class QuoteResponse(_message.Message):
    __slots__ = ("price", "outputs", "provider", "pinned", "failures", "notes")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    price: PriceRange
    outputs: _containers.RepeatedCompositeFieldContainer[ImageFacts]
    provider: str
    pinned: _struct_pb2.Struct
    failures: _containers.RepeatedCompositeFieldContainer[ForeseenFailure]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, price: _Optional[_Union[PriceRange, _Mapping]] = ..., outputs: _Optional[_Iterable[_Union[ImageFacts, _Mapping]]] = ..., provider: _Optional[str] = ..., pinned: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., failures: _Optional[_Iterable[_Union[ForeseenFailure, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ForeseenFailure(_message.Message):
    __slots__ = ("label", "problem", "remedy")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    label: str
    problem: str
    remedy: _struct_pb2.Struct
    def __init__(self, label: _Optional[str] = ..., problem: _Optional[str] = ..., remedy: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ImageFacts(_message.Message):
    __slots__ = ("width", "height", "media_type", "alpha")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    media_type: str
    alpha: bool
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ..., media_type: _Optional[str] = ..., alpha: _Optional[bool] = ...) -> None: ...

class Money(_message.Message):
    __slots__ = ("amount", "currency")
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    amount: str
    currency: str
    def __init__(self, amount: _Optional[str] = ..., currency: _Optional[str] = ...) -> None: ...

class PriceRange(_message.Message):
    __slots__ = ("minimum", "expected", "maximum")
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    minimum: Money
    expected: Money
    maximum: Money
    def __init__(self, minimum: _Optional[_Union[Money, _Mapping]] = ..., expected: _Optional[_Union[Money, _Mapping]] = ..., maximum: _Optional[_Union[Money, _Mapping]] = ...) -> None: ...
