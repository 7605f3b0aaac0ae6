"""Generates the Python code of the messages: generate.py IMAGE OUT.

IMAGE is the output of ``buf build``, OUT is the folder that contains the package ``plumb``. Two things are removed from
the generated code. The first is the rules of buf.validate, which servers check; without them the client does not
depend on a runtime for them. The second is the check that the protobuf runtime has the generator's major version: it
warns users of the next version, although the code uses nothing that differs between the two (the tests run with both).
"""

from __future__ import annotations

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
        wanted = [f"--descriptor_set_in={descriptors}", f"--python_out={out}", f"--pyi_out={out}", *ours]
        if code := protoc.main(["protoc", *wanted]):
            return int(code)
    for name in ours:
        module = Path(out, name.replace(".proto", "_pb2.py"))
        module.write_text(without_version_check(module.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
