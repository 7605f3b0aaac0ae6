from plumbstore.v1 import definitions_pb2 as _definitions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class State(_message.Message):
    __slots__ = ("definitions", "views")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    definitions: _definitions_pb2.Definitions
    views: _containers.RepeatedCompositeFieldContainer[RegisteredView]
    def __init__(self, definitions: _Optional[_Union[_definitions_pb2.Definitions, _Mapping]] = ..., views: _Optional[_Iterable[_Union[RegisteredView, _Mapping]]] = ...) -> None: ...

class RegisteredView(_message.Message):
    __slots__ = ("name", "generation", "schemas", "rebuild", "definition_hash", "definition_revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    REBUILD_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_HASH_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    generation: int
    schemas: _containers.RepeatedCompositeFieldContainer[ViewSchema]
    rebuild: int
    definition_hash: bytes
    definition_revision: int
    def __init__(self, name: _Optional[str] = ..., generation: _Optional[int] = ..., schemas: _Optional[_Iterable[_Union[ViewSchema, _Mapping]]] = ..., rebuild: _Optional[int] = ..., definition_hash: _Optional[bytes] = ..., definition_revision: _Optional[int] = ...) -> None: ...

class ViewSchema(_message.Message):
    __slots__ = ("id", "fields")
    ID_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    id: int
    fields: _containers.RepeatedCompositeFieldContainer[SchemaField]
    def __init__(self, id: _Optional[int] = ..., fields: _Optional[_Iterable[_Union[SchemaField, _Mapping]]] = ...) -> None: ...

class SchemaField(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: _definitions_pb2.Type
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[_definitions_pb2.Type, str]] = ...) -> None: ...
