from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainingSet(_message.Message):
    __slots__ = ("path", "problem", "feature_service", "features", "rows", "columns", "digest", "revision", "created_micros")
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    FEATURE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATED_MICROS_FIELD_NUMBER: _ClassVar[int]
    path: str
    problem: str
    feature_service: str
    features: _containers.RepeatedScalarFieldContainer[str]
    rows: int
    columns: int
    digest: str
    revision: int
    created_micros: int
    def __init__(self, path: _Optional[str] = ..., problem: _Optional[str] = ..., feature_service: _Optional[str] = ..., features: _Optional[_Iterable[str]] = ..., rows: _Optional[int] = ..., columns: _Optional[int] = ..., digest: _Optional[str] = ..., revision: _Optional[int] = ..., created_micros: _Optional[int] = ...) -> None: ...

class ListTrainingSetsRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class ListTrainingSetsResponse(_message.Message):
    __slots__ = ("training_sets", "more")
    TRAINING_SETS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    training_sets: _containers.RepeatedCompositeFieldContainer[TrainingSet]
    more: bool
    def __init__(self, training_sets: _Optional[_Iterable[_Union[TrainingSet, _Mapping]]] = ..., more: bool = ...) -> None: ...

class GetTrainingSetRequest(_message.Message):
    __slots__ = ("path",)
    PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    def __init__(self, path: _Optional[str] = ...) -> None: ...

class GetTrainingSetResponse(_message.Message):
    __slots__ = ("training_set", "manifest")
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_FIELD_NUMBER: _ClassVar[int]
    training_set: TrainingSet
    manifest: str
    def __init__(self, training_set: _Optional[_Union[TrainingSet, _Mapping]] = ..., manifest: _Optional[str] = ...) -> None: ...

class CompareTrainingSetsRequest(_message.Message):
    __slots__ = ("a", "b")
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    a: str
    b: str
    def __init__(self, a: _Optional[str] = ..., b: _Optional[str] = ...) -> None: ...

class CompareTrainingSetsResponse(_message.Message):
    __slots__ = ("comparison",)
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    comparison: str
    def __init__(self, comparison: _Optional[str] = ...) -> None: ...
