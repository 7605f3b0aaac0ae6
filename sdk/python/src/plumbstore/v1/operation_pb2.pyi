from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from plumbstore.v1 import registry_service_pb2 as _registry_service_pb2
from plumbstore.v1 import serving_pb2 as _serving_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Operation(_message.Message):
    __slots__ = ("id", "kind", "state", "started_by", "created_micros", "started_micros", "ended_micros", "progress", "verdict", "result", "error")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Operation.Kind]
        VERIFICATION: _ClassVar[Operation.Kind]
        PLAN_VERIFICATION: _ClassVar[Operation.Kind]
        AUDIT: _ClassVar[Operation.Kind]
        FORESIGHT: _ClassVar[Operation.Kind]
        TRAINING_SET_VERIFICATION: _ClassVar[Operation.Kind]
        MATERIALIZATION: _ClassVar[Operation.Kind]
    KIND_UNSPECIFIED: Operation.Kind
    VERIFICATION: Operation.Kind
    PLAN_VERIFICATION: Operation.Kind
    AUDIT: Operation.Kind
    FORESIGHT: Operation.Kind
    TRAINING_SET_VERIFICATION: Operation.Kind
    MATERIALIZATION: Operation.Kind
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Operation.State]
        QUEUED: _ClassVar[Operation.State]
        RUNNING: _ClassVar[Operation.State]
        SUCCEEDED: _ClassVar[Operation.State]
        FAILED: _ClassVar[Operation.State]
        CANCELLED: _ClassVar[Operation.State]
    STATE_UNSPECIFIED: Operation.State
    QUEUED: Operation.State
    RUNNING: Operation.State
    SUCCEEDED: Operation.State
    FAILED: Operation.State
    CANCELLED: Operation.State
    class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        VERDICT_UNSPECIFIED: _ClassVar[Operation.Verdict]
        PASSED: _ClassVar[Operation.Verdict]
        NOT_PASSED: _ClassVar[Operation.Verdict]
        NOT_ALL_CHECKED: _ClassVar[Operation.Verdict]
    VERDICT_UNSPECIFIED: Operation.Verdict
    PASSED: Operation.Verdict
    NOT_PASSED: Operation.Verdict
    NOT_ALL_CHECKED: Operation.Verdict
    class Progress(_message.Message):
        __slots__ = ("step", "rows", "total")
        STEP_FIELD_NUMBER: _ClassVar[int]
        ROWS_FIELD_NUMBER: _ClassVar[int]
        TOTAL_FIELD_NUMBER: _ClassVar[int]
        step: str
        rows: int
        total: int
        def __init__(self, step: _Optional[str] = ..., rows: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...
    class Error(_message.Message):
        __slots__ = ("code", "message")
        CODE_FIELD_NUMBER: _ClassVar[int]
        MESSAGE_FIELD_NUMBER: _ClassVar[int]
        code: str
        message: str
        def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STARTED_BY_FIELD_NUMBER: _ClassVar[int]
    CREATED_MICROS_FIELD_NUMBER: _ClassVar[int]
    STARTED_MICROS_FIELD_NUMBER: _ClassVar[int]
    ENDED_MICROS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: Operation.Kind
    state: Operation.State
    started_by: str
    created_micros: int
    started_micros: int
    ended_micros: int
    progress: Operation.Progress
    verdict: Operation.Verdict
    result: str
    error: Operation.Error
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[_Union[Operation.Kind, str]] = ..., state: _Optional[_Union[Operation.State, str]] = ..., started_by: _Optional[str] = ..., created_micros: _Optional[int] = ..., started_micros: _Optional[int] = ..., ended_micros: _Optional[int] = ..., progress: _Optional[_Union[Operation.Progress, _Mapping]] = ..., verdict: _Optional[_Union[Operation.Verdict, str]] = ..., result: _Optional[str] = ..., error: _Optional[_Union[Operation.Error, _Mapping]] = ...) -> None: ...

class StartVerificationRequest(_message.Message):
    __slots__ = ("services", "labels_file", "timestamp_column", "rows", "seed")
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FILE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    services: _containers.RepeatedScalarFieldContainer[str]
    labels_file: str
    timestamp_column: str
    rows: int
    seed: int
    def __init__(self, services: _Optional[_Iterable[str]] = ..., labels_file: _Optional[str] = ..., timestamp_column: _Optional[str] = ..., rows: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class StartVerificationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class StartPlanVerificationRequest(_message.Message):
    __slots__ = ("files", "services", "rows", "seed")
    FILES_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[_registry_service_pb2.DefinitionFile]
    services: _containers.RepeatedScalarFieldContainer[str]
    rows: int
    seed: int
    def __init__(self, files: _Optional[_Iterable[_Union[_registry_service_pb2.DefinitionFile, _Mapping]]] = ..., services: _Optional[_Iterable[str]] = ..., rows: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class StartPlanVerificationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class StartAuditRequest(_message.Message):
    __slots__ = ("to", "service", "folder")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    FOLDER_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    service: str
    folder: str
    def __init__(self, to: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., service: _Optional[str] = ..., folder: _Optional[str] = ..., **kwargs) -> None: ...

class StartAuditResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class StartForesightRequest(_message.Message):
    __slots__ = ("feature_service", "features", "full_names", "labels_file", "timestamp_column")
    FEATURE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    FULL_NAMES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FILE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    feature_service: str
    features: _serving_pb2.FeatureList
    full_names: bool
    labels_file: str
    timestamp_column: str
    def __init__(self, feature_service: _Optional[str] = ..., features: _Optional[_Union[_serving_pb2.FeatureList, _Mapping]] = ..., full_names: bool = ..., labels_file: _Optional[str] = ..., timestamp_column: _Optional[str] = ...) -> None: ...

class StartForesightResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class StartTrainingSetVerificationRequest(_message.Message):
    __slots__ = ("path", "labels_file")
    PATH_FIELD_NUMBER: _ClassVar[int]
    LABELS_FILE_FIELD_NUMBER: _ClassVar[int]
    path: str
    labels_file: str
    def __init__(self, path: _Optional[str] = ..., labels_file: _Optional[str] = ...) -> None: ...

class StartTrainingSetVerificationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class StartMaterializationRequest(_message.Message):
    __slots__ = ("views", "to", "lookback", "full", "max_failed_rows")
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_FIELD_NUMBER: _ClassVar[int]
    FULL_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILED_ROWS_FIELD_NUMBER: _ClassVar[int]
    views: _containers.RepeatedScalarFieldContainer[str]
    to: _timestamp_pb2.Timestamp
    lookback: _duration_pb2.Duration
    full: bool
    max_failed_rows: int
    def __init__(self, views: _Optional[_Iterable[str]] = ..., to: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., lookback: _Optional[_Union[_duration_pb2.Duration, _Mapping]] = ..., full: bool = ..., max_failed_rows: _Optional[int] = ..., **kwargs) -> None: ...

class StartMaterializationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class GetOperationRequest(_message.Message):
    __slots__ = ("id", "wait_seconds")
    ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    id: str
    wait_seconds: int
    def __init__(self, id: _Optional[str] = ..., wait_seconds: _Optional[int] = ...) -> None: ...

class GetOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class ListOperationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOperationsResponse(_message.Message):
    __slots__ = ("operations",)
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ...) -> None: ...

class WatchOperationRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WatchOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class CancelOperationRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CancelOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...
