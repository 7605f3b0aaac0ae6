"""Makes virtual environments that contain only the built wheel and the packages that it requires."""

from __future__ import annotations

import subprocess
import sys
import venv
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from conftest import ROOT
from packaging.requirements import Requirement


def build_wheel(folder: Path) -> Path:
    """Builds the wheel of the client with pip."""
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(ROOT / "sdk" / "python")], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def make(folder: Path, wheel: Path, *extras: str) -> Path:
    """Makes an environment with the wheel and what it requires for these extras. Returns its Python.

    What is required is linked from the developer's environment, so nothing is downloaded.
    """
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    installed = next(iter(distributions(name="plumbstore", path=[str(site)])))
    _link_required(installed, extras, site, set())
    return python


def _link_required(of: Distribution, extras: tuple[str, ...], site: Path, linked: set[str]) -> None:
    for text in of.requires or ():
        requirement = Requirement(text)
        marker, name = requirement.marker, requirement.name
        wanted = marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))
        if not wanted or name in linked:
            continue
        linked.add(name)
        for file in distribution(name).files or ():
            _link(Path(str(distribution(name).locate_file(""))), file.parts, site)
        _link_required(distribution(name), tuple(requirement.extras), site, linked)


def _link(origin: Path, parts: tuple[str, ...], site: Path) -> None:
    """Links the package that a file is in. A namespace, such as google, is shared: what is in it is linked."""
    if parts[0] in ("..", "__pycache__"):
        return
    namespace = len(parts) > 2 and not (origin / parts[0] / "__init__.py").exists() and "-info" not in parts[0]
    path = Path(*parts[: 1 + namespace])
    (site / path).parent.mkdir(exist_ok=True)
    if not (site / path).exists():
        (site / path).symlink_to(origin / path)
