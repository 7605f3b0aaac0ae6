"""Writes bitmaps of 64 bits as CRoaring does, which engines use for deletion vectors, and what is in them.

    pip install pyroaring==1.2.0 && python bitmaps.py
"""

import json
import pathlib

from pyroaring import BitMap64

HERE = pathlib.Path(__file__).parent / "bitmaps"
# Ranges are written as [first, end, step].
BITMAPS = {
    "one": [[5, 6, 1]],
    "array": [[0, 850, 17]],
    "bits": [[0, 15000, 3]],
    "runs": [[0, 70000, 1], [100000, 100001, 1], [200000, 265537, 1]],
    "mixed": [[0, 9000, 1], [20000, 28194, 2], [131081, 131082, 1]],
    "far": [[3, 4, 1], [(1 << 32) + 7, (1 << 32) + 900, 1], [(5 << 32) + 65535, (5 << 32) + 65537, 1]],
    "empty": [],
}

HERE.mkdir(exist_ok=True)
for name, ranges in BITMAPS.items():
    bitmap = BitMap64()
    for each in ranges:
        bitmap |= BitMap64(range(*each))
    if name in ("runs", "mixed", "far"):
        bitmap.run_optimize()
    (HERE / f"{name}.bin").write_bytes(bitmap.serialize())
(HERE / "ranges.json").write_text(json.dumps(BITMAPS) + "\n")
