"""Puts the plumb binary into the wheel, if $PLUMB_WHEEL_BINARY names one. `make wheel` builds wheels that way.

Such a wheel is for the platform of the binary, $PLUMB_WHEEL_PLATFORM. pip installs the binary beside the Python of the
environment. A wheel without the binary is for every platform.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Binary(BuildHookInterface[Any]):
    """The build hook that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as hatchling calls it.
        """Adds the binary and the platform to what is built."""
        if binary := os.environ.get("PLUMB_WHEEL_BINARY"):
            if not Path(binary).is_file():  # hatchling would build a wheel without it.
                raise FileNotFoundError(
                    f"$PLUMB_WHEEL_BINARY: {binary} is not a file; give the absolute path of the binary"
                )
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{os.environ['PLUMB_WHEEL_PLATFORM']}"
            build_data["shared_scripts"][binary] = "plumb"
