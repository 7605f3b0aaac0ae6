"""Predicts who buys within 30 days. Trains one model on what the last purchase says, and another on windows over all
purchases as well, and scores customers with the same features, looked up online.

    python purchases.py STORE

STORE is the folder of this example, or the address of its server, such as grpc://127.0.0.1:6570.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import plumbstore as plumb

LABELS = Path(__file__).parent / "data" / "labels.parquet"
NOW = "1998-05-01T00:00:00Z"
CUSTOMERS = [1, 41, 111, 221]


def open_store(where: str) -> plumb.Store:
    """Opens the store of a server or of a project folder."""
    return plumb.connect(where) if where.startswith("grpc://") else plumb.local(where)


def train(store: plumb.Store, service: str) -> tuple[HistGradientBoostingClassifier, list[str]]:
    """Returns a model and its columns. It is measured on the last three months."""
    labels = pd.read_parquet(LABELS)
    rows = store.historical(labels, service=service).to_pandas()
    columns = [name for name in rows.columns if name not in labels.columns]
    features, late = rows[columns].astype("float64"), rows["event_timestamp"] >= pd.Timestamp("1998-03-01", tz="UTC")
    model = HistGradientBoostingClassifier(max_depth=3, learning_rate=0.05, random_state=0)
    model.fit(features[~late], rows["buys"][~late])
    quality = roc_auc_score(rows["buys"][late], model.predict_proba(features[late])[:, 1])
    print(f"{service}: {len(columns)} features, ROC AUC {quality:.3f}")
    return model, columns


def main(where: str) -> None:
    """Trains both models, then scores with the better one."""
    with open_store(where) as store:
        train(store, "last_only")
        model, columns = train(store, "with_windows")
        vectors = store.online(service="with_windows", keys={"customer": CUSTOMERS}, at=NOW).to_pandas()
        chances = model.predict_proba(vectors[columns].astype("float64"))[:, 1]
        for customer, chance in zip(CUSTOMERS, chances, strict=True):
            print(f"customer {customer} buys within 30 days with probability {chance:.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: purchases.py STORE")
    main(sys.argv[1])
