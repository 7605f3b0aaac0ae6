from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TYPE_UNSPECIFIED: _ClassVar[Type]
    BOOL: _ClassVar[Type]
    INT32: _ClassVar[Type]
    INT64: _ClassVar[Type]
    FLOAT32: _ClassVar[Type]
    FLOAT64: _ClassVar[Type]
    STRING: _ClassVar[Type]
    BYTES: _ClassVar[Type]
    TIMESTAMP: _ClassVar[Type]
    BOOL_ARRAY: _ClassVar[Type]
    INT32_ARRAY: _ClassVar[Type]
    INT64_ARRAY: _ClassVar[Type]
    FLOAT32_ARRAY: _ClassVar[Type]
    FLOAT64_ARRAY: _ClassVar[Type]
    STRING_ARRAY: _ClassVar[Type]
    BYTES_ARRAY: _ClassVar[Type]
    TIMESTAMP_ARRAY: _ClassVar[Type]
TYPE_UNSPECIFIED: Type
BOOL: Type
INT32: Type
INT64: Type
FLOAT32: Type
FLOAT64: Type
STRING: Type
BYTES: Type
TIMESTAMP: Type
BOOL_ARRAY: Type
INT32_ARRAY: Type
INT64_ARRAY: Type
FLOAT32_ARRAY: Type
FLOAT64_ARRAY: Type
STRING_ARRAY: Type
BYTES_ARRAY: Type
TIMESTAMP_ARRAY: Type

class Definitions(_message.Message):
    __slots__ = ("entities", "sources", "feature_views", "feature_services", "on_demand_views")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_VIEWS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_SERVICES_FIELD_NUMBER: _ClassVar[int]
    ON_DEMAND_VIEWS_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[Entity]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    feature_views: _containers.RepeatedCompositeFieldContainer[FeatureView]
    feature_services: _containers.RepeatedCompositeFieldContainer[FeatureService]
    on_demand_views: _containers.RepeatedCompositeFieldContainer[OnDemandView]
    def __init__(self, entities: _Optional[_Iterable[_Union[Entity, _Mapping]]] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., feature_views: _Optional[_Iterable[_Union[FeatureView, _Mapping]]] = ..., feature_services: _Optional[_Iterable[_Union[FeatureService, _Mapping]]] = ..., on_demand_views: _Optional[_Iterable[_Union[OnDemandView, _Mapping]]] = ...) -> None: ...

class Entity(_message.Message):
    __slots__ = ("name", "join_keys", "description", "tags", "owner")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEYS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    name: str
    join_keys: _containers.RepeatedCompositeFieldContainer[JoinKey]
    description: str
    tags: _containers.ScalarMap[str, str]
    owner: str
    def __init__(self, name: _Optional[str] = ..., join_keys: _Optional[_Iterable[_Union[JoinKey, _Mapping]]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., owner: _Optional[str] = ...) -> None: ...

class JoinKey(_message.Message):
    __slots__ = ("name", "type", "sensitive", "column")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    sensitive: bool
    column: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., sensitive: bool = ..., column: _Optional[str] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("name", "parquet", "sql", "csv", "jsonl", "postgres", "iceberg", "delta", "event_timestamp", "created_timestamp", "description", "tags", "columns", "filter", "owner")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARQUET_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    JSONL_FIELD_NUMBER: _ClassVar[int]
    POSTGRES_FIELD_NUMBER: _ClassVar[int]
    ICEBERG_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    name: str
    parquet: ParquetSource
    sql: SqlSource
    csv: CsvSource
    jsonl: JsonLinesSource
    postgres: PostgresSource
    iceberg: IcebergSource
    delta: DeltaSource
    event_timestamp: str
    created_timestamp: str
    description: str
    tags: _containers.ScalarMap[str, str]
    columns: _containers.RepeatedCompositeFieldContainer[SourceColumn]
    filter: str
    owner: str
    def __init__(self, name: _Optional[str] = ..., parquet: _Optional[_Union[ParquetSource, _Mapping]] = ..., sql: _Optional[_Union[SqlSource, _Mapping]] = ..., csv: _Optional[_Union[CsvSource, _Mapping]] = ..., jsonl: _Optional[_Union[JsonLinesSource, _Mapping]] = ..., postgres: _Optional[_Union[PostgresSource, _Mapping]] = ..., iceberg: _Optional[_Union[IcebergSource, _Mapping]] = ..., delta: _Optional[_Union[DeltaSource, _Mapping]] = ..., event_timestamp: _Optional[str] = ..., created_timestamp: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., columns: _Optional[_Iterable[_Union[SourceColumn, _Mapping]]] = ..., filter: _Optional[str] = ..., owner: _Optional[str] = ...) -> None: ...

class SourceColumn(_message.Message):
    __slots__ = ("name", "type", "expression", "column")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    expression: str
    column: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., expression: _Optional[str] = ..., column: _Optional[str] = ...) -> None: ...

class ParquetSource(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class CsvSource(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class JsonLinesSource(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class IcebergSource(_message.Message):
    __slots__ = ("path", "snapshot", "tag", "as_of")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    path: str
    snapshot: int
    tag: str
    as_of: str
    def __init__(self, path: _Optional[str] = ..., snapshot: _Optional[int] = ..., tag: _Optional[str] = ..., as_of: _Optional[str] = ...) -> None: ...

class DeltaSource(_message.Message):
    __slots__ = ("path", "version", "as_of")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    path: str
    version: int
    as_of: str
    def __init__(self, path: _Optional[str] = ..., version: _Optional[int] = ..., as_of: _Optional[str] = ...) -> None: ...

class PostgresSource(_message.Message):
    __slots__ = ("connection", "query", "path", "overlap")
    CONNECTION_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    connection: str
    query: str
    path: str
    overlap: _duration_pb2.Duration
    def __init__(self, connection: _Optional[str] = ..., query: _Optional[str] = ..., path: _Optional[str] = ..., overlap: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class SqlSource(_message.Message):
    __slots__ = ("query", "spark")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    SPARK_FIELD_NUMBER: _ClassVar[int]
    query: str
    spark: str
    def __init__(self, query: _Optional[str] = ..., spark: _Optional[str] = ...) -> None: ...

class FeatureView(_message.Message):
    __slots__ = ("name", "entities", "source", "ttl", "online", "features", "description", "tags", "push_log", "lookback", "aggregations", "owner")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PUSH_LOG_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    AGGREGATIONS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    name: str
    entities: _containers.RepeatedScalarFieldContainer[str]
    source: str
    ttl: _duration_pb2.Duration
    online: bool
    features: _containers.RepeatedCompositeFieldContainer[Feature]
    description: str
    tags: _containers.ScalarMap[str, str]
    push_log: PushLog
    lookback: _duration_pb2.Duration
    aggregations: _containers.RepeatedCompositeFieldContainer[Aggregation]
    owner: str
    def __init__(self, name: _Optional[str] = ..., entities: _Optional[_Iterable[str]] = ..., source: _Optional[str] = ..., ttl: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., online: bool = ..., features: _Optional[_Iterable[_Union[Feature, _Mapping]]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., push_log: _Optional[_Union[PushLog, _Mapping]] = ..., lookback: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., aggregations: _Optional[_Iterable[_Union[Aggregation, _Mapping]]] = ..., owner: _Optional[str] = ...) -> None: ...

class Aggregation(_message.Message):
    __slots__ = ("of", "functions", "windows", "offset", "hop", "by", "largest")
    OF_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    HOP_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    LARGEST_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    of: str
    functions: _containers.RepeatedCompositeFieldContainer[AggregateFunction]
    windows: _containers.RepeatedScalarFieldContainer[str]
    offset: _duration_pb2.Duration
    hop: str
    by: str
    largest: int
    def __init__(self, of: _Optional[str] = ..., functions: _Optional[_Iterable[_Union[AggregateFunction, _Mapping]]] = ..., windows: _Optional[_Iterable[str]] = ..., offset: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., hop: _Optional[str] = ..., by: _Optional[str] = ..., largest: _Optional[int] = ..., **kwargs) -> None: ...

class AggregateFunction(_message.Message):
    __slots__ = ("name", "n", "quantiles", "error", "max_values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MAX_VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    n: int
    quantiles: _containers.RepeatedScalarFieldContainer[float]
    error: float
    max_values: int
    def __init__(self, name: _Optional[str] = ..., n: _Optional[int] = ..., quantiles: _Optional[_Iterable[float]] = ..., error: _Optional[float] = ..., max_values: _Optional[int] = ...) -> None: ...

class PushLog(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class Feature(_message.Message):
    __slots__ = ("name", "type", "column", "description", "tags", "sensitive")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    column: str
    description: str
    tags: _containers.ScalarMap[str, str]
    sensitive: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., column: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., sensitive: bool = ...) -> None: ...

class OnDemandView(_message.Message):
    __slots__ = ("name", "request", "views", "features", "description", "tags", "owner")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    name: str
    request: _containers.RepeatedCompositeFieldContainer[RequestInput]
    views: _containers.RepeatedCompositeFieldContainer[ViewInput]
    features: _containers.RepeatedCompositeFieldContainer[ComputedFeature]
    description: str
    tags: _containers.ScalarMap[str, str]
    owner: str
    def __init__(self, name: _Optional[str] = ..., request: _Optional[_Iterable[_Union[RequestInput, _Mapping]]] = ..., views: _Optional[_Iterable[_Union[ViewInput, _Mapping]]] = ..., features: _Optional[_Iterable[_Union[ComputedFeature, _Mapping]]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., owner: _Optional[str] = ...) -> None: ...

class RequestInput(_message.Message):
    __slots__ = ("name", "type", "description", "sensitive")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    description: str
    sensitive: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., description: _Optional[str] = ..., sensitive: bool = ...) -> None: ...

class ViewInput(_message.Message):
    __slots__ = ("view", "join_keys")
    class JoinKeysEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEYS_FIELD_NUMBER: _ClassVar[int]
    view: str
    join_keys: _containers.ScalarMap[str, str]
    def __init__(self, view: _Optional[str] = ..., join_keys: _Optional[_Mapping[str, str]] = ..., **kwargs) -> None: ...

class ComputedFeature(_message.Message):
    __slots__ = ("name", "type", "expression", "description", "tags", "sensitive")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SENSITIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: Type
    expression: str
    description: str
    tags: _containers.ScalarMap[str, str]
    sensitive: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[Type, str]] = ..., expression: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., sensitive: bool = ...) -> None: ...

class FeatureService(_message.Message):
    __slots__ = ("name", "full_names", "features", "description", "tags", "owner")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    FULL_NAMES_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    name: str
    full_names: bool
    features: _containers.RepeatedCompositeFieldContainer[ViewReference]
    description: str
    tags: _containers.ScalarMap[str, str]
    owner: str
    def __init__(self, name: _Optional[str] = ..., full_names: bool = ..., features: _Optional[_Iterable[_Union[ViewReference, _Mapping]]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., owner: _Optional[str] = ...) -> None: ...

class ViewReference(_message.Message):
    __slots__ = ("view", "join_keys", "features")
    class JoinKeysEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEYS_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    view: str
    join_keys: _containers.ScalarMap[str, str]
    features: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, view: _Optional[str] = ..., join_keys: _Optional[_Mapping[str, str]] = ..., features: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...
