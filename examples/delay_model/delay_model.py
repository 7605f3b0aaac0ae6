"""Predicts whether a flight arrives more than 15 minutes late. Trains a model on what was known before each departure,
and scores flights with the same features, looked up online.

    python delay_model.py STORE LABELS

STORE is the folder of a project, or the address of its server, such as grpc://127.0.0.1:6570. LABELS is a file with one
row for each flight: its keys, its time of departure, and whether it was late.
"""

from __future__ import annotations

import sys

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import plumbstore as plumb

SERVICE = "delay_model"
NOW = "2013-07-03T20:00:00Z"
DEPARTURES = {
    "origin": ["JFK", "EWR", "LGA"],
    "dest": ["LAX", "ORD", "ATL"],
    "carrier": ["DL", "UA", "DL"],
    "tailnum": ["N187DN", "N14228", "N612DL"],
}


def open_store(where: str) -> plumb.Store:
    """Opens the store of a server or of a project folder."""
    return plumb.connect(where) if where.startswith("grpc://") else plumb.local(where)


def features_of(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Converts features to what the model accepts: floats, with NaN for null, and categories for text."""
    features = rows[columns].copy()
    for name in features.columns:
        text = isinstance(features[name].dtype, pd.StringDtype)
        features[name] = features[name].astype("category") if text else features[name].astype("float64")
    return features


def train(store: plumb.Store, labels: pd.DataFrame) -> tuple[HistGradientBoostingClassifier, list[str]]:
    """Returns a model and its columns. The last third of the flights, by time, is used to measure the model."""
    rows = store.historical(labels, service=SERVICE).to_pandas()
    rows = rows[rows["late"].notna()].sort_values("event_timestamp", kind="stable")
    cut = len(rows) * 2 // 3
    # Drop columns that have no values: there is no weather for the destinations.
    known = rows.columns[rows[:cut].notna().any()].difference(labels.columns, sort=False)
    columns = [name for name in known if name != "plane__manufacturer"]
    features, late = features_of(rows, columns), rows["late"].astype(bool)
    model = HistGradientBoostingClassifier(max_depth=4, random_state=0).fit(features[:cut], late[:cut])
    quality = roc_auc_score(late[cut:], model.predict_proba(features[cut:])[:, 1])
    print(
        f"trained on {cut} flights, {len(columns)} features; ROC AUC on the {len(rows) - cut} after them: {quality:.2f}"
    )
    return model, columns


def score(store: plumb.Store, model: HistGradientBoostingClassifier, columns: list[str]) -> None:
    """Prints the probability that each departure is late, from the features in the online store."""
    vectors = store.online(service=SERVICE, keys=DEPARTURES, at=NOW).to_pandas()
    late = model.predict_proba(features_of(vectors, columns))[:, 1]
    for row, chance in zip(vectors.itertuples(), late, strict=True):
        print(f"{row.carrier} from {row.origin} to {row.dest}: late with probability {chance:.2f}")


def main(where: str, labels: str) -> None:
    """Trains, then scores."""
    with open_store(where) as store:
        model, columns = train(store, pd.read_parquet(labels))
        score(store, model, columns)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: delay_model.py STORE LABELS")
    main(*sys.argv[1:])
