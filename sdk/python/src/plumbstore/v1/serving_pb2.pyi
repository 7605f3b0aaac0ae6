from google.protobuf import timestamp_pb2 as _timestamp_pb2
from plumbstore.v1 import values_pb2 as _values_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_UNSPECIFIED: _ClassVar[Status]
    PRESENT: _ClassVar[Status]
    NULL: _ClassVar[Status]
    NOT_FOUND: _ClassVar[Status]
    EXPIRED: _ClassVar[Status]
    INVALID: _ClassVar[Status]
STATUS_UNSPECIFIED: Status
PRESENT: Status
NULL: Status
NOT_FOUND: Status
EXPIRED: Status
INVALID: Status

class GetOnlineFeaturesRequest(_message.Message):
    __slots__ = ("feature_service", "features", "keys", "full_names", "event_timestamps", "at", "provenance", "inputs")
    FEATURE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FULL_NAMES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    feature_service: str
    features: FeatureList
    keys: _containers.RepeatedCompositeFieldContainer[KeyColumn]
    full_names: bool
    event_timestamps: bool
    at: _timestamp_pb2.Timestamp
    provenance: bool
    inputs: _containers.RepeatedCompositeFieldContainer[InputColumn]
    def __init__(self, feature_service: _Optional[str] = ..., features: _Optional[_Union[FeatureList, _Mapping]] = ..., keys: _Optional[_Iterable[_Union[KeyColumn, _Mapping]]] = ..., full_names: bool = ..., event_timestamps: bool = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., provenance: bool = ..., inputs: _Optional[_Iterable[_Union[InputColumn, _Mapping]]] = ...) -> None: ...

class FeatureList(_message.Message):
    __slots__ = ("references",)
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    references: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, references: _Optional[_Iterable[str]] = ...) -> None: ...

class KeyColumn(_message.Message):
    __slots__ = ("name", "values", "nulls")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _values_pb2.Values
    nulls: bytes
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Union[_values_pb2.Values, _Mapping]] = ..., nulls: _Optional[bytes] = ...) -> None: ...

class InputColumn(_message.Message):
    __slots__ = ("name", "values", "nulls")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _values_pb2.Values
    nulls: bytes
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Union[_values_pb2.Values, _Mapping]] = ..., nulls: _Optional[bytes] = ...) -> None: ...

class GetOnlineFeaturesResponse(_message.Message):
    __slots__ = ("columns", "revision", "provenance", "computed")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedCompositeFieldContainer[FeatureColumn]
    revision: int
    provenance: _containers.RepeatedCompositeFieldContainer[ViewProvenance]
    computed: _containers.RepeatedCompositeFieldContainer[ComputedProvenance]
    def __init__(self, columns: _Optional[_Iterable[_Union[FeatureColumn, _Mapping]]] = ..., revision: _Optional[int] = ..., provenance: _Optional[_Iterable[_Union[ViewProvenance, _Mapping]]] = ..., computed: _Optional[_Iterable[_Union[ComputedProvenance, _Mapping]]] = ...) -> None: ...

class ComputedProvenance(_message.Message):
    __slots__ = ("alias", "view", "definition_hash", "inputs", "views", "request_time")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_HASH_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_TIME_FIELD_NUMBER: _ClassVar[int]
    alias: str
    view: str
    definition_hash: bytes
    inputs: _containers.RepeatedScalarFieldContainer[str]
    views: _containers.RepeatedScalarFieldContainer[str]
    request_time: bool
    def __init__(self, alias: _Optional[str] = ..., view: _Optional[str] = ..., definition_hash: _Optional[bytes] = ..., inputs: _Optional[_Iterable[str]] = ..., views: _Optional[_Iterable[str]] = ..., request_time: bool = ...) -> None: ...

class ViewProvenance(_message.Message):
    __slots__ = ("alias", "view", "definition_revision", "definition_hash", "origins", "runs", "pushed_timestamps", "event_timestamps", "created_timestamps", "created_nulls", "age_micros", "schema_ids", "events", "earliest", "earliest_timestamps")
    class Origin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ORIGIN_UNSPECIFIED: _ClassVar[ViewProvenance.Origin]
        NO_ROW: _ClassVar[ViewProvenance.Origin]
        RUN: _ClassVar[ViewProvenance.Origin]
        PUSH: _ClassVar[ViewProvenance.Origin]
        UNKNOWN: _ClassVar[ViewProvenance.Origin]
        BEFORE_FLOOR: _ClassVar[ViewProvenance.Origin]
    ORIGIN_UNSPECIFIED: ViewProvenance.Origin
    NO_ROW: ViewProvenance.Origin
    RUN: ViewProvenance.Origin
    PUSH: ViewProvenance.Origin
    UNKNOWN: ViewProvenance.Origin
    BEFORE_FLOOR: ViewProvenance.Origin
    class Earliest(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EARLIEST_UNSPECIFIED: _ClassVar[ViewProvenance.Earliest]
        EARLIEST_UNKNOWN: _ClassVar[ViewProvenance.Earliest]
        EARLIEST_EVENT: _ClassVar[ViewProvenance.Earliest]
        EARLIEST_TILE: _ClassVar[ViewProvenance.Earliest]
    EARLIEST_UNSPECIFIED: ViewProvenance.Earliest
    EARLIEST_UNKNOWN: ViewProvenance.Earliest
    EARLIEST_EVENT: ViewProvenance.Earliest
    EARLIEST_TILE: ViewProvenance.Earliest
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_HASH_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    PUSHED_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    CREATED_NULLS_FIELD_NUMBER: _ClassVar[int]
    AGE_MICROS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_FIELD_NUMBER: _ClassVar[int]
    EARLIEST_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    alias: str
    view: str
    definition_revision: int
    definition_hash: bytes
    origins: bytes
    runs: _containers.RepeatedScalarFieldContainer[int]
    pushed_timestamps: _containers.RepeatedScalarFieldContainer[int]
    event_timestamps: _containers.RepeatedScalarFieldContainer[int]
    created_timestamps: _containers.RepeatedScalarFieldContainer[int]
    created_nulls: bytes
    age_micros: _containers.RepeatedScalarFieldContainer[int]
    schema_ids: _containers.RepeatedScalarFieldContainer[int]
    events: _containers.RepeatedScalarFieldContainer[int]
    earliest: bytes
    earliest_timestamps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, alias: _Optional[str] = ..., view: _Optional[str] = ..., definition_revision: _Optional[int] = ..., definition_hash: _Optional[bytes] = ..., origins: _Optional[bytes] = ..., runs: _Optional[_Iterable[int]] = ..., pushed_timestamps: _Optional[_Iterable[int]] = ..., event_timestamps: _Optional[_Iterable[int]] = ..., created_timestamps: _Optional[_Iterable[int]] = ..., created_nulls: _Optional[bytes] = ..., age_micros: _Optional[_Iterable[int]] = ..., schema_ids: _Optional[_Iterable[int]] = ..., events: _Optional[_Iterable[int]] = ..., earliest: _Optional[bytes] = ..., earliest_timestamps: _Optional[_Iterable[int]] = ...) -> None: ...

class FeatureColumn(_message.Message):
    __slots__ = ("name", "values", "statuses", "event_timestamps")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _values_pb2.Values
    statuses: bytes
    event_timestamps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Union[_values_pb2.Values, _Mapping]] = ..., statuses: _Optional[bytes] = ..., event_timestamps: _Optional[_Iterable[int]] = ...) -> None: ...

class PushRequest(_message.Message):
    __slots__ = ("view", "keys", "event_timestamps", "created_timestamps", "features", "atomic")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_FIELD_NUMBER: _ClassVar[int]
    view: str
    keys: _containers.RepeatedCompositeFieldContainer[KeyColumn]
    event_timestamps: TimeColumn
    created_timestamps: TimeColumn
    features: _containers.RepeatedCompositeFieldContainer[PushColumn]
    atomic: bool
    def __init__(self, view: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[KeyColumn, _Mapping]]] = ..., event_timestamps: _Optional[_Union[TimeColumn, _Mapping]] = ..., created_timestamps: _Optional[_Union[TimeColumn, _Mapping]] = ..., features: _Optional[_Iterable[_Union[PushColumn, _Mapping]]] = ..., atomic: bool = ...) -> None: ...

class TimeColumn(_message.Message):
    __slots__ = ("micros", "nulls")
    MICROS_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    micros: _containers.RepeatedScalarFieldContainer[int]
    nulls: bytes
    def __init__(self, micros: _Optional[_Iterable[int]] = ..., nulls: _Optional[bytes] = ...) -> None: ...

class PushColumn(_message.Message):
    __slots__ = ("name", "values", "nulls")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _values_pb2.Values
    nulls: bytes
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Union[_values_pb2.Values, _Mapping]] = ..., nulls: _Optional[bytes] = ...) -> None: ...

class PushResponse(_message.Message):
    __slots__ = ("written", "older", "refused", "revision")
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    OLDER_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    written: int
    older: int
    refused: _containers.RepeatedCompositeFieldContainer[RefusedRow]
    revision: int
    def __init__(self, written: _Optional[int] = ..., older: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[RefusedRow, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class RefusedRow(_message.Message):
    __slots__ = ("row", "field", "reason")
    ROW_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    row: int
    field: str
    reason: str
    def __init__(self, row: _Optional[int] = ..., field: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...
