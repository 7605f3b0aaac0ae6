from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Values(_message.Message):
    __slots__ = ("bools", "int32s", "int64s", "float32s", "float64s", "strings", "bytes", "timestamps", "arrays")
    BOOLS_FIELD_NUMBER: _ClassVar[int]
    INT32S_FIELD_NUMBER: _ClassVar[int]
    INT64S_FIELD_NUMBER: _ClassVar[int]
    FLOAT32S_FIELD_NUMBER: _ClassVar[int]
    FLOAT64S_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMPS_FIELD_NUMBER: _ClassVar[int]
    ARRAYS_FIELD_NUMBER: _ClassVar[int]
    bools: BoolValues
    int32s: Int32Values
    int64s: Int64Values
    float32s: Float32Values
    float64s: Float64Values
    strings: StringValues
    bytes: BytesValues
    timestamps: TimestampValues
    arrays: ArrayValues
    def __init__(self, bools: _Optional[_Union[BoolValues, _Mapping]] = ..., int32s: _Optional[_Union[Int32Values, _Mapping]] = ..., int64s: _Optional[_Union[Int64Values, _Mapping]] = ..., float32s: _Optional[_Union[Float32Values, _Mapping]] = ..., float64s: _Optional[_Union[Float64Values, _Mapping]] = ..., strings: _Optional[_Union[StringValues, _Mapping]] = ..., bytes: _Optional[_Union[BytesValues, _Mapping]] = ..., timestamps: _Optional[_Union[TimestampValues, _Mapping]] = ..., arrays: _Optional[_Union[ArrayValues, _Mapping]] = ...) -> None: ...

class BoolValues(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, values: _Optional[_Iterable[bool]] = ...) -> None: ...

class Int32Values(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class Int64Values(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, values: _Optional[_Iterable[int]] = ...) -> None: ...

class Float32Values(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class Float64Values(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, values: _Optional[_Iterable[float]] = ...) -> None: ...

class StringValues(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...

class BytesValues(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, values: _Optional[_Iterable[bytes]] = ...) -> None: ...

class TimestampValues(_message.Message):
    __slots__ = ("micros",)
    MICROS_FIELD_NUMBER: _ClassVar[int]
    micros: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, micros: _Optional[_Iterable[int]] = ...) -> None: ...

class ArrayValues(_message.Message):
    __slots__ = ("lengths", "elements", "nulls")
    LENGTHS_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    NULLS_FIELD_NUMBER: _ClassVar[int]
    lengths: _containers.RepeatedScalarFieldContainer[int]
    elements: Values
    nulls: bytes
    def __init__(self, lengths: _Optional[_Iterable[int]] = ..., elements: _Optional[_Union[Values, _Mapping]] = ..., nulls: _Optional[bytes] = ...) -> None: ...
