from google.protobuf import timestamp_pb2 as _timestamp_pb2
from plumbstore.v1 import definitions_pb2 as _definitions_pb2
from plumbstore.v1 import windows_pb2 as _windows_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DefinitionFile(_message.Message):
    __slots__ = ("path", "text")
    PATH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    path: str
    text: str
    def __init__(self, path: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class PlanRequest(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[DefinitionFile]
    def __init__(self, files: _Optional[_Iterable[_Union[DefinitionFile, _Mapping]]] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("project", "base", "changes", "hazardous")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    HAZARDOUS_FIELD_NUMBER: _ClassVar[int]
    project: str
    base: int
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    hazardous: bool
    def __init__(self, project: _Optional[str] = ..., base: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., hazardous: bool = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("action", "kind", "name", "differences", "hazards", "outputs")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[Change.Action]
        ADD: _ClassVar[Change.Action]
        ALTER: _ClassVar[Change.Action]
        REMOVE: _ClassVar[Change.Action]
    ACTION_UNSPECIFIED: Change.Action
    ADD: Change.Action
    ALTER: Change.Action
    REMOVE: Change.Action
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Change.Kind]
        ENTITY: _ClassVar[Change.Kind]
        SOURCE: _ClassVar[Change.Kind]
        VIEW: _ClassVar[Change.Kind]
        SERVICE: _ClassVar[Change.Kind]
        ON_DEMAND_VIEW: _ClassVar[Change.Kind]
    KIND_UNSPECIFIED: Change.Kind
    ENTITY: Change.Kind
    SOURCE: Change.Kind
    VIEW: Change.Kind
    SERVICE: Change.Kind
    ON_DEMAND_VIEW: Change.Kind
    ACTION_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    HAZARDS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    action: Change.Action
    kind: Change.Kind
    name: str
    differences: _containers.RepeatedCompositeFieldContainer[Difference]
    hazards: _containers.RepeatedCompositeFieldContainer[Hazard]
    outputs: _containers.RepeatedCompositeFieldContainer[ComputedOutput]
    def __init__(self, action: _Optional[_Union[Change.Action, str]] = ..., kind: _Optional[_Union[Change.Kind, str]] = ..., name: _Optional[str] = ..., differences: _Optional[_Iterable[_Union[Difference, _Mapping]]] = ..., hazards: _Optional[_Iterable[_Union[Hazard, _Mapping]]] = ..., outputs: _Optional[_Iterable[_Union[ComputedOutput, _Mapping]]] = ...) -> None: ...

class ComputedOutput(_message.Message):
    __slots__ = ("name", "type", "computes", "window")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPUTES_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: _definitions_pb2.Type
    computes: str
    window: _windows_pb2.Window
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[_definitions_pb2.Type, str]] = ..., computes: _Optional[str] = ..., window: _Optional[_Union[_windows_pb2.Window, _Mapping]] = ...) -> None: ...

class Difference(_message.Message):
    __slots__ = ("field", "to")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    field: str
    to: str
    def __init__(self, field: _Optional[str] = ..., to: _Optional[str] = ..., **kwargs) -> None: ...

class Hazard(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ApplyRequest(_message.Message):
    __slots__ = ("files", "expected_revision", "allow_hazards", "author")
    FILES_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    ALLOW_HAZARDS_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[DefinitionFile]
    expected_revision: int
    allow_hazards: bool
    author: str
    def __init__(self, files: _Optional[_Iterable[_Union[DefinitionFile, _Mapping]]] = ..., expected_revision: _Optional[int] = ..., allow_hazards: bool = ..., author: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ("project", "revision", "changes")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    project: str
    revision: int
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    def __init__(self, project: _Optional[str] = ..., revision: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ...) -> None: ...

class ListEntitiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListEntitiesResponse(_message.Message):
    __slots__ = ("entities", "revision")
    ENTITIES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    entities: _containers.RepeatedCompositeFieldContainer[_definitions_pb2.Entity]
    revision: int
    def __init__(self, entities: _Optional[_Iterable[_Union[_definitions_pb2.Entity, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListSourcesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSourcesResponse(_message.Message):
    __slots__ = ("sources", "revision")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[_definitions_pb2.Source]
    revision: int
    def __init__(self, sources: _Optional[_Iterable[_Union[_definitions_pb2.Source, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListFeatureViewsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFeatureViewsResponse(_message.Message):
    __slots__ = ("feature_views", "revision")
    FEATURE_VIEWS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    feature_views: _containers.RepeatedCompositeFieldContainer[_definitions_pb2.FeatureView]
    revision: int
    def __init__(self, feature_views: _Optional[_Iterable[_Union[_definitions_pb2.FeatureView, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListOnDemandViewsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListOnDemandViewsResponse(_message.Message):
    __slots__ = ("on_demand_views", "revision")
    ON_DEMAND_VIEWS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    on_demand_views: _containers.RepeatedCompositeFieldContainer[_definitions_pb2.OnDemandView]
    revision: int
    def __init__(self, on_demand_views: _Optional[_Iterable[_Union[_definitions_pb2.OnDemandView, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class ListFeatureServicesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFeatureServicesResponse(_message.Message):
    __slots__ = ("feature_services", "revision")
    FEATURE_SERVICES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    feature_services: _containers.RepeatedCompositeFieldContainer[_definitions_pb2.FeatureService]
    revision: int
    def __init__(self, feature_services: _Optional[_Iterable[_Union[_definitions_pb2.FeatureService, _Mapping]]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetEntityRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetEntityResponse(_message.Message):
    __slots__ = ("entity", "revision")
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    entity: _definitions_pb2.Entity
    revision: int
    def __init__(self, entity: _Optional[_Union[_definitions_pb2.Entity, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetSourceRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetSourceResponse(_message.Message):
    __slots__ = ("source", "revision")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    source: _definitions_pb2.Source
    revision: int
    def __init__(self, source: _Optional[_Union[_definitions_pb2.Source, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetFeatureViewRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetFeatureViewResponse(_message.Message):
    __slots__ = ("feature_view", "revision")
    FEATURE_VIEW_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    feature_view: _definitions_pb2.FeatureView
    revision: int
    def __init__(self, feature_view: _Optional[_Union[_definitions_pb2.FeatureView, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetOnDemandViewRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetOnDemandViewResponse(_message.Message):
    __slots__ = ("on_demand_view", "revision")
    ON_DEMAND_VIEW_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    on_demand_view: _definitions_pb2.OnDemandView
    revision: int
    def __init__(self, on_demand_view: _Optional[_Union[_definitions_pb2.OnDemandView, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class GetFeatureServiceRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetFeatureServiceResponse(_message.Message):
    __slots__ = ("feature_service", "revision")
    FEATURE_SERVICE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    feature_service: _definitions_pb2.FeatureService
    revision: int
    def __init__(self, feature_service: _Optional[_Union[_definitions_pb2.FeatureService, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: int
    def __init__(self, limit: _Optional[int] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("revisions",)
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[Revision]
    def __init__(self, revisions: _Optional[_Iterable[_Union[Revision, _Mapping]]] = ...) -> None: ...

class Revision(_message.Message):
    __slots__ = ("revision", "by", "at", "changes")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    by: str
    at: _timestamp_pb2.Timestamp
    changes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, revision: _Optional[int] = ..., by: _Optional[str] = ..., at: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., changes: _Optional[_Iterable[str]] = ...) -> None: ...
