"""Writes the definitions of Spark Connect in the installed pyspark to the standard output, as a FileDescriptorSet."""

import importlib.util
import pathlib
import sys
import types

from google.protobuf import descriptor_pb2

# The generated modules alone: what is around them imports pandas.
folder = pathlib.Path(importlib.util.find_spec("pyspark").origin).parent
for name in ("pyspark", "pyspark.sql", "pyspark.sql.connect", "pyspark.sql.connect.proto"):
    package = types.ModuleType(name)
    package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = package

from pyspark.sql.connect.proto import base_pb2  # noqa: E402

files, seen = descriptor_pb2.FileDescriptorSet(), set()


def add(file):
    if file.name not in seen:
        seen.add(file.name)
        for needed in file.dependencies:
            add(needed)
        file.CopyToProto(files.file.add())


add(base_pb2.DESCRIPTOR)
sys.stdout.buffer.write(files.SerializeToString())
