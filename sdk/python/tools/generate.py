"""Generates the Python code of the messages: generate.py IMAGE OUT.

IMAGE is the output of ``buf build``, OUT is the folder that contains the package ``plumbstore``. Three things differ
from what protoc writes. The rules of buf.validate, which servers check, are removed; without them the client does not
depend on a runtime for them. So is the check that the protobuf runtime has the generator's major version: it warns
users of the next version, although the code uses nothing that differs between the two (the tests run with both). And
the modules are below ``plumbstore``, because another distribution has the name ``plumb``.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc

RULES = "buf/validate/validate.proto"


def without_rules(image: bytes) -> descriptor_pb2.FileDescriptorSet:
    """Returns the files of an image without the file of the rules and the options that use it."""
    files = descriptor_pb2.FileDescriptorSet.FromString(image)
    files.DiscardUnknownFields()
    kept = descriptor_pb2.FileDescriptorSet()
    for file in files.file:
        if file.name == RULES:
            continue
        if RULES in file.dependency:
            file.dependency.remove(RULES)
        kept.file.append(file)
    return kept


def in_package(code: str) -> str:
    """Returns generated code that imports the other modules from this package."""
    return re.sub(r"^from plumb\.v1 import", "from plumbstore.v1 import", code, flags=re.MULTILINE)


def without_version_check(code: str) -> str:
    """Returns generated code without the call that compares the versions of generator and runtime."""
    before, _, rest = code.partition("_runtime_version.ValidateProtobufRuntimeVersion(\n")
    _, _, after = rest.partition(")\n")
    lines = (before + after).splitlines(keepends=True)
    return "".join(line for line in lines if "runtime_version" not in line)


def main(image: str, out: str) -> int:
    """Writes the modules and returns the exit code."""
    files = without_rules(Path(image).read_bytes())
    ours = [file.name for file in files.file if file.name.startswith("plumb/")]
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.binpb")
        descriptors.write_bytes(files.SerializeToString(deterministic=True))
        wanted = [f"--descriptor_set_in={descriptors}", f"--python_out={folder}", f"--pyi_out={folder}", *ours]
        if code := protoc.main(["protoc", *wanted]):
            return int(code)
        for made in Path(folder, "plumb").rglob("*_pb2.py*"):
            module = Path(out, "plumbstore", made.relative_to(Path(folder, "plumb")))
            module.write_text(without_version_check(in_package(made.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
