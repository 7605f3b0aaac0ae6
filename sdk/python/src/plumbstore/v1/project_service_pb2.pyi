from plumbstore.v1 import operation_pb2 as _operation_pb2
from plumbstore.v1 import training_set_pb2 as _training_set_pb2
from plumbstore.v1 import windows_pb2 as _windows_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("project", "revision", "views", "losses_unknown")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    project: str
    revision: int
    views: _containers.RepeatedCompositeFieldContainer[ViewStatus]
    losses_unknown: str
    def __init__(self, project: _Optional[str] = ..., revision: _Optional[int] = ..., views: _Optional[_Iterable[_Union[ViewStatus, _Mapping]]] = ..., losses_unknown: _Optional[str] = ...) -> None: ...

class ViewStatus(_message.Message):
    __slots__ = ("view", "online", "state", "done", "freshness_micros", "last_run", "ahead_of_clock", "waiting_rows", "waiting_since_micros", "generation", "rebuild", "stored_windows")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ONLINE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FRESHNESS_MICROS_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_FIELD_NUMBER: _ClassVar[int]
    AHEAD_OF_CLOCK_FIELD_NUMBER: _ClassVar[int]
    WAITING_ROWS_FIELD_NUMBER: _ClassVar[int]
    WAITING_SINCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    REBUILD_FIELD_NUMBER: _ClassVar[int]
    STORED_WINDOWS_FIELD_NUMBER: _ClassVar[int]
    view: str
    online: bool
    state: str
    done: _containers.RepeatedCompositeFieldContainer[Interval]
    freshness_micros: int
    last_run: Run
    ahead_of_clock: str
    waiting_rows: int
    waiting_since_micros: int
    generation: int
    rebuild: int
    stored_windows: StoredWindows
    def __init__(self, view: _Optional[str] = ..., online: bool = ..., state: _Optional[str] = ..., done: _Optional[_Iterable[_Union[Interval, _Mapping]]] = ..., freshness_micros: _Optional[int] = ..., last_run: _Optional[_Union[Run, _Mapping]] = ..., ahead_of_clock: _Optional[str] = ..., waiting_rows: _Optional[int] = ..., waiting_since_micros: _Optional[int] = ..., generation: _Optional[int] = ..., rebuild: _Optional[int] = ..., stored_windows: _Optional[_Union[StoredWindows, _Mapping]] = ...) -> None: ...

class StoredWindows(_message.Message):
    __slots__ = ("windows", "floor_micros", "most_tiles", "mean_tiles", "mean_bytes")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_MICROS_FIELD_NUMBER: _ClassVar[int]
    MOST_TILES_FIELD_NUMBER: _ClassVar[int]
    MEAN_TILES_FIELD_NUMBER: _ClassVar[int]
    MEAN_BYTES_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[_windows_pb2.Window]
    floor_micros: int
    most_tiles: int
    mean_tiles: float
    mean_bytes: float
    def __init__(self, windows: _Optional[_Iterable[_Union[_windows_pb2.Window, _Mapping]]] = ..., floor_micros: _Optional[int] = ..., most_tiles: _Optional[int] = ..., mean_tiles: _Optional[float] = ..., mean_bytes: _Optional[float] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("start_micros", "end_micros")
    START_MICROS_FIELD_NUMBER: _ClassVar[int]
    END_MICROS_FIELD_NUMBER: _ClassVar[int]
    start_micros: int
    end_micros: int
    def __init__(self, start_micros: _Optional[int] = ..., end_micros: _Optional[int] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("view", "limit")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    view: str
    limit: int
    def __init__(self, view: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("id", "view", "window", "outcome", "started_micros", "finished_micros", "read", "written", "older", "null_keys", "null_times", "skipped", "bytes", "error", "tiles")
    ID_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STARTED_MICROS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_MICROS_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_FIELD_NUMBER: _ClassVar[int]
    OLDER_FIELD_NUMBER: _ClassVar[int]
    NULL_KEYS_FIELD_NUMBER: _ClassVar[int]
    NULL_TIMES_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TILES_FIELD_NUMBER: _ClassVar[int]
    id: int
    view: str
    window: Interval
    outcome: str
    started_micros: int
    finished_micros: int
    read: int
    written: int
    older: int
    null_keys: int
    null_times: int
    skipped: int
    bytes: int
    error: str
    tiles: int
    def __init__(self, id: _Optional[int] = ..., view: _Optional[str] = ..., window: _Optional[_Union[Interval, _Mapping]] = ..., outcome: _Optional[str] = ..., started_micros: _Optional[int] = ..., finished_micros: _Optional[int] = ..., read: _Optional[int] = ..., written: _Optional[int] = ..., older: _Optional[int] = ..., null_keys: _Optional[int] = ..., null_times: _Optional[int] = ..., skipped: _Optional[int] = ..., bytes: _Optional[int] = ..., error: _Optional[str] = ..., tiles: _Optional[int] = ...) -> None: ...
