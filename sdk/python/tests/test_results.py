"""Results are kept or streamed, are written completely or not at all, and can be printed."""

from __future__ import annotations

import datetime as dt
import gc
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import plumbstore as plumb

SERVICE = "delay_model"


def test_r6_one_row_for_each_label_row_in_their_order(store: plumb.Store, labels: pd.DataFrame) -> None:
    shuffled = pd.concat([labels, labels.head(10)]).sample(frac=1, random_state=7)
    train = store.historical(shuffled, service=SERVICE).to_pandas()
    assert train.columns[: len(labels.columns)].tolist() == labels.columns.tolist()
    pd.testing.assert_frame_equal(train[labels.columns], shuffled)
    assert train.columns[len(labels.columns)] == "origin_weather__temp"


def test_labels_may_be_anything_that_holds_rows(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    table = pa.Table.from_pandas(labels, preserve_index=False)
    pq.write_table(table, tmp_path / "labels.parquet")
    with pa.ipc.new_file(tmp_path / "labels.arrow", table.schema) as writer:
        writer.write_table(table)
    expected = store.historical(labels, service=SERVICE).to_arrow().select(range(7, 23))
    for given in (
        pl.from_pandas(labels),
        table,
        table.combine_chunks().to_batches()[0],
        table.to_reader(max_chunksize=100),
        tmp_path / "labels.parquet",
        str(tmp_path / "labels.arrow"),
    ):
        joined = store.historical(given, service=SERVICE).to_arrow()
        assert joined.select(range(7, 23)).equals(expected), type(given)


def test_options_add_their_columns(store: plumb.Store, labels: pd.DataFrame) -> None:
    renamed = labels.head(50).rename(columns={"event_timestamp": "departs"})
    result = store.historical(
        renamed,
        features=["carrier_day:mean_arr_delay"],
        full_names=True,
        timestamp_column="departs",
        statuses=True,
        event_timestamps=True,
        as_known=True,
    )
    assert result.columns[len(labels.columns) :] == [
        "carrier_day__mean_arr_delay",
        "carrier_day__mean_arr_delay__status",
        "carrier_day__event_timestamp",
    ]
    assert set(result.to_pandas()["carrier_day__mean_arr_delay__status"]) <= {"PRESENT", "NULL", "NOT_FOUND", "EXPIRED"}


def test_kept_rows_can_be_converted_again_and_again(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    result = store.historical(labels, service=SERVICE)
    assert result.to_arrow() is result.to_arrow()
    assert len(result.to_pandas()) == len(result.to_polars()) == len(result) == len(labels)
    result.to_parquet(tmp_path / "out.parquet")
    assert sum(batch.num_rows for batch in result.to_batches()) == len(labels)


def test_streamed_rows_are_spent(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels, service=SERVICE)
    assert sum(batch.num_rows for batch in result.to_batches()) == len(labels)
    with pytest.raises(plumb.SpentError, match="were streamed already"):
        result.to_pandas()
    assert result.report is not None
    assert result.report.rows == len(labels)


def test_a_parquet_file_appears_whole(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    store.historical(labels, service=SERVICE).to_parquet(tmp_path / "train.parquet")
    assert pq.read_table(tmp_path / "train.parquet").num_rows == len(labels)
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(plumb.InputError, match=r"cannot write .*nowhere"):
        store.historical(labels, service=SERVICE).to_parquet(tmp_path / "nowhere" / "train.parquet")


def test_labels_without_rows_give_a_result_without_rows(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels.head(0), service=SERVICE)
    assert len(result.to_arrow()) == 0
    assert "origin_weather__temp" in result.columns


def test_the_report_counts_what_matched(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels, service=SERVICE)
    result.to_arrow()
    assert result.report is not None
    assert [view.alias for view in result.report.views][:2] == ["origin_weather", "dest_weather"]
    assert result.report.views[0].matched == 2904
    assert "origin_weather: 2904 matched, 100.00%" in repr(result.report)


def test_results_are_readable(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels.assign(origin="<b>"), service=SERVICE)
    result.to_arrow()
    assert repr(result).startswith("plumb.Result: 2904 rows, 7 label columns, 16 columns of features\nflight_id")
    assert "&lt;b&gt;" in result._repr_html_()
    assert "<b>" not in result._repr_html_()


def test_results_that_are_not_read_keep_nothing_open(store: plumb.Store, labels: pd.DataFrame, temporary: Path) -> None:
    result = store.historical(labels, service=SERVICE)
    del result
    gc.collect()
    with store.historical(labels, service=SERVICE) as other:
        next(other.to_batches())
    with pytest.raises(plumb.SpentError):
        other.to_arrow()
    assert not list(temporary.iterdir())


KEYS = {"origin": ["JFK", "EWR"], "dest": ["LAX", None], "carrier": ["DL", "UA"], "tailnum": ["N187DN", "none"]}


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_keys_may_be_anything_that_holds_rows(store: plumb.Store, make: type) -> None:
    at = dt.datetime(2013, 7, 3, 20, tzinfo=dt.timezone.utc)
    found = store.online(service=SERVICE, keys=make(KEYS), at=at, statuses=True, event_timestamps=True).to_pandas()
    assert found["origin"].tolist() == ["JFK", "EWR"]
    assert found["origin_weather__temp"].tolist()[0] == 77
    assert found["dest_weather__temp__status"].tolist() == ["NOT_FOUND", "NOT_FOUND"]
    assert found["plane__year"].tolist() == [1996, pd.NA]
    assert found["plane__event_timestamp"].tolist() == [pd.Timestamp("2013-01-01", tz="UTC"), pd.NaT]


def test_keys_of_pandas_keep_their_index(store: plumb.Store) -> None:
    frame = pd.DataFrame(KEYS, index=pd.Index([5, 3], name="request"))
    pd.testing.assert_index_equal(store.online(service=SERVICE, keys=frame).to_pandas().index, frame.index)


def test_r2_at_says_when_ttl_is_evaluated(store: plumb.Store) -> None:
    later = store.online(service=SERVICE, keys=KEYS, at="2013-07-04T20:00:00Z", statuses=True).to_pandas()
    assert later["origin_weather__temp__status"].tolist() == ["EXPIRED", "EXPIRED"]
    assert later["origin_weather__temp"].isna().all()


def test_the_number_of_rows_is_that_of_the_labels(store: plumb.Store, labels: pd.DataFrame, flights: Path) -> None:
    for given in (labels, pl.from_pandas(labels), pa.Table.from_pandas(labels), flights / "data" / "labels.parquet"):
        with store.historical(given, features=["plane:year"]) as result:
            assert len(result) == len(labels)
            assert result
    with store.historical(labels.head(0), features=["plane:year"]) as result:
        assert not result
    stream = pa.RecordBatchReader.from_batches(pa.Schema.from_pandas(labels), pa.Table.from_pandas(labels).to_batches())
    with store.historical(stream, features=["plane:year"]) as result:
        assert result
        if "connect" in repr(store):
            with pytest.raises(
                plumb.PreconditionError, match="known once they have been read, because the labels came as"
            ):
                len(result)
        result.to_arrow()
        assert len(result) == len(labels)
    assert len(store.online(service=SERVICE, keys=KEYS)) == 2


def test_a_result_that_was_closed_says_so(store: plumb.Store, labels: pd.DataFrame, tmp_path: Path) -> None:
    result = store.historical(labels, features=["plane:year"])
    result.close()
    result.close()
    for ask in (result.to_arrow, result.to_pandas, result.to_polars, result.to_dict, result.to_batches):
        with pytest.raises(plumb.SpentError, match="this result was closed before its rows were read"):
            ask()
    with pytest.raises(plumb.SpentError, match="was closed"):
        result.to_parquet(tmp_path / "train.parquet")
    assert "plumb.Result" in repr(result)
    kept = store.historical(labels, features=["plane:year"])
    kept.to_arrow()
    kept.close()
    assert kept.to_pandas()["plane__year" if "plane__year" in kept.columns else "year"].notna().any()
    found = store.online(service=SERVICE, keys=KEYS)
    found.close()
    assert found.to_arrow().num_rows == 2


def test_rows_may_be_read_twice_if_they_are_kept(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels, features=["plane:year"])
    list(result.to_batches())
    for ask in (result.to_batches, result.to_dict):
        with pytest.raises(plumb.SpentError, match="were streamed already"):
            ask()
    found = store.online(service=SERVICE, keys=KEYS)
    for _ in range(2):
        assert pa.Table.from_batches(found.to_batches()) == found.to_arrow()


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_a_dict_has_what_the_table_has(store: plumb.Store, make: type) -> None:
    found = store.online(
        service=SERVICE, keys=make(KEYS), at="2013-07-03T20:00:00Z", statuses=True, event_timestamps=True
    )
    told = found.to_dict()
    assert told == found.to_arrow().to_pydict()
    assert list(told) == found.columns
    assert told["origin_weather__temp"] == [77.0, 86.0]
    assert told["dest_weather__temp"] == [None, None]


def test_times_that_python_has_no_datetimes_for_are_shown(store: plumb.Store, labels: pd.DataFrame) -> None:
    far = pa.Table.from_pandas(labels.head(2)).append_column("far", pa.array([2**60, 0], pa.timestamp("us")))
    result = store.historical(far, features=["plane:year"])
    assert "plumb.Result" in repr(result)
    with pytest.raises(plumb.InputError, match="to_dict cannot use its arguments"):
        result.to_dict()


def test_an_argument_of_a_result_is_named(store: plumb.Store, labels: pd.DataFrame) -> None:
    result = store.historical(labels.head(2), features=["plane:year"])
    for odd in (None, 5, b"train.parquet", "a\0b"):
        with pytest.raises(plumb.InputError, match="path"):
            result.to_parquet(odd)  # type: ignore[arg-type]
