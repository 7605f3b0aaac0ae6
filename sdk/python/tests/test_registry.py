"""The registry, read and changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import BINARY, Served

import plumbstore as plumb

HARMLESS = ("description: the latest observation", "description: the newest observation")
HAZARDOUS = ("name: seats, type: INT32", "name: seats, type: INT64")


@pytest.fixture(params=["local", "connect"])
def changing(request: pytest.FixtureRequest, project: Path) -> Iterator[plumb.Store]:
    if request.param == "local":
        yield plumb.local(project, binary=BINARY)
        return
    served = Served(project)
    with plumb.connect(served.url) as store:
        yield store
    served.stop()


def edit(project: Path, change: tuple[str, str]) -> Path:
    views = project / "features" / "views.yaml"
    text = views.read_text()
    assert change[0] in text
    views.write_text(text.replace(*change))
    return project / "features"


def test_definitions_are_listed_by_name(store: plumb.Store) -> None:
    assert store.entities().names == ["airport", "carrier", "plane"]
    stored, windows = (
        {"airport_hour", "carrier_day", "plane", "weather", "wind"},
        {"airport_traffic", "carrier_record", "plane_record"},
    )
    assert store.feature_views().names == sorted(stored | windows)
    assert store.feature_services()[0].features[1].alias == "dest_weather"
    assert store.sources()["flights"].path == "data/flights.parquet"
    assert "airport STRING" in repr(store.entities())
    assert "<td>carrier_day</td>" in store.feature_views()._repr_html_()
    with pytest.raises(plumb.NotFoundError, match='no source is named "fligths"; there are airport_hours'):
        store.sources()["fligths"]


def test_definitions_are_found_by_name(store: plumb.Store) -> None:
    weather = store.feature_view("weather")
    assert weather.ttl == timedelta(hours=3)
    assert weather.online
    assert (weather.features[2].name, weather.features[2].column) == ("gust", "wind_gust")
    assert store.entity("plane").join_keys == (plumb.JoinKey("tailnum", "STRING"),)
    assert store.source("carrier_days").created_timestamp == "last_landed_at"
    assert store.feature_service("delay_model").full_names
    for find in (store.entity, store.source, store.feature_view, store.feature_service):
        with pytest.raises(plumb.NotFoundError, match='"wether"'):
            find("wether")


def test_history_is_newest_first(store: plumb.Store) -> None:
    (first,) = store.history()
    assert first.number == 1
    assert "add view weather" in first.changes
    assert repr(store.history()).startswith("revision 1, 20")


def test_harmless_changes_are_applied(changing: plumb.Store, project: Path) -> None:
    features = edit(project, HARMLESS)
    plan = changing.plan(features)
    assert [(c.action, c.kind, c.name) for c in plan.changes] == [("alter", "view", "weather")]
    assert not plan.hazards
    assert changing.apply(features).revision == 2
    assert changing.plan(features).changes == ()
    assert "nothing to change" in repr(changing.apply(features))


def test_hazards_have_to_be_accepted(changing: plumb.Store, project: Path) -> None:
    features = edit(project, HAZARDOUS)
    assert [hazard.code for hazard in changing.plan(features).hazards] == ["PB101", "PB109", "PB109"]
    with pytest.raises(plumb.HazardError, match="the plan has 3 hazards") as raised:
        changing.apply(features)
    assert "PB101" in str(raised.value)
    assert "PB101" in raised.value.plan._repr_html_()
    assert len(changing.history()) == 1
    applied = changing.apply(features, yes=True)
    assert applied.revision == 2
    assert "PB101" in repr(applied)
    assert len(changing.history()) == 2


def test_sensitive_columns_are_marked(changing: plumb.Store, project: Path) -> None:
    assert not any(feature.sensitive for feature in changing.feature_view("plane").features)
    entities = project / "features" / "entities.yaml"
    text = entities.read_text()
    entities.write_text(text.replace("{name: tailnum, type: STRING}", "{name: tailnum, type: STRING, sensitive: true}"))
    changing.apply(edit(project, ("name: seats, type: INT32", "name: seats, type: INT32, sensitive: true")), yes=True)
    assert [f.name for f in changing.feature_view("plane").features if f.sensitive] == ["seats"]
    assert changing.entity("plane").join_keys == (plumb.JoinKey("tailnum", "STRING", sensitive=True),)
    assert changing.entity("airport").join_keys == (plumb.JoinKey("airport", "STRING"),)


def test_definitions_may_be_text(changing: plumb.Store) -> None:
    text = "entities:\n  - {name: shop, join_keys: [{name: shop, type: INT64}]}\n"
    assert "+ entity shop" in repr(changing.plan(text))
    with pytest.raises(plumb.InputError, match=r"definitions.yaml:2:6: unknown key") as raised:
        changing.plan("entities:\n  - {name: shop, join_kyes: []}\n".replace("name: shop, ", "x: 1, "))
    assert "definitions.yaml" in str(raised.value)


def test_definitions_that_are_not_there_are_named(changing: plumb.Store, tmp_path: Path) -> None:
    with pytest.raises(plumb.InputError, match="nowhere"):
        changing.plan(tmp_path / "nowhere")


def test_r9_look_ups_follow_the_newest_definitions(changing: plumb.Store, project: Path) -> None:
    keys = {"tailnum": ["N187DN"]}
    assert changing.online(features=["plane:seats"], keys=keys).to_arrow().column("seats").to_pylist() == [330]
    changing.apply(edit(project, HAZARDOUS), yes=True)
    found = changing.online(features=["plane:seats"], keys=keys, statuses=True).to_pandas()
    assert found["seats__status"].tolist() in (["NOT_FOUND"], ["PRESENT"])  # A server follows within a moment.
