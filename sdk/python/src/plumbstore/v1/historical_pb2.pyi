from plumbstore.v1 import serving_pb2 as _serving_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HistoricalRequest(_message.Message):
    __slots__ = ("feature_service", "features", "full_names", "timestamp_column", "statuses", "event_timestamps", "as_known", "provenance", "manifest", "progress", "labels_file")
    FEATURE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    FULL_NAMES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    AS_KNOWN_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FILE_FIELD_NUMBER: _ClassVar[int]
    feature_service: str
    features: _serving_pb2.FeatureList
    full_names: bool
    timestamp_column: str
    statuses: bool
    event_timestamps: bool
    as_known: bool
    provenance: bool
    manifest: bool
    progress: bool
    labels_file: str
    def __init__(self, feature_service: _Optional[str] = ..., features: _Optional[_Union[_serving_pb2.FeatureList, _Mapping]] = ..., full_names: bool = ..., timestamp_column: _Optional[str] = ..., statuses: bool = ..., event_timestamps: bool = ..., as_known: bool = ..., provenance: bool = ..., manifest: bool = ..., progress: bool = ..., labels_file: _Optional[str] = ...) -> None: ...

class HistoricalUpdate(_message.Message):
    __slots__ = ("progress", "report")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    progress: HistoricalProgress
    report: HistoricalReport
    def __init__(self, progress: _Optional[_Union[HistoricalProgress, _Mapping]] = ..., report: _Optional[_Union[HistoricalReport, _Mapping]] = ...) -> None: ...

class HistoricalProgress(_message.Message):
    __slots__ = ("step", "rows", "total")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    step: str
    rows: int
    total: int
    def __init__(self, step: _Optional[str] = ..., rows: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class HistoricalReport(_message.Message):
    __slots__ = ("rows", "views", "seconds", "manifest", "invalid")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    INVALID_FIELD_NUMBER: _ClassVar[int]
    rows: int
    views: _containers.RepeatedCompositeFieldContainer[HistoricalView]
    seconds: float
    manifest: str
    invalid: _containers.RepeatedCompositeFieldContainer[InvalidValues]
    def __init__(self, rows: _Optional[int] = ..., views: _Optional[_Iterable[_Union[HistoricalView, _Mapping]]] = ..., seconds: _Optional[float] = ..., manifest: _Optional[str] = ..., invalid: _Optional[_Iterable[_Union[InvalidValues, _Mapping]]] = ...) -> None: ...

class InvalidValues(_message.Message):
    __slots__ = ("alias", "feature", "rows")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    alias: str
    feature: str
    rows: int
    def __init__(self, alias: _Optional[str] = ..., feature: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...

class HistoricalView(_message.Message):
    __slots__ = ("alias", "matched", "null_keys", "null_times")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    MATCHED_FIELD_NUMBER: _ClassVar[int]
    NULL_KEYS_FIELD_NUMBER: _ClassVar[int]
    NULL_TIMES_FIELD_NUMBER: _ClassVar[int]
    alias: str
    matched: int
    null_keys: int
    null_times: int
    def __init__(self, alias: _Optional[str] = ..., matched: _Optional[int] = ..., null_keys: _Optional[int] = ..., null_times: _Optional[int] = ...) -> None: ...
