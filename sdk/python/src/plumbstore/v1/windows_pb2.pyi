from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Window(_message.Message):
    __slots__ = ("length", "hop", "longest", "offset")
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    HOP_FIELD_NUMBER: _ClassVar[int]
    LONGEST_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    length: str
    hop: str
    longest: str
    offset: str
    def __init__(self, length: _Optional[str] = ..., hop: _Optional[str] = ..., longest: _Optional[str] = ..., offset: _Optional[str] = ...) -> None: ...
