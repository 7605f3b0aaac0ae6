"""No module of the client imports itself through other modules.

Every import statement counts, wherever it is: at the top of a module, inside a function, or under TYPE_CHECKING. An
import inside a function hides a cycle from the interpreter, and one under TYPE_CHECKING hides it until somebody needs
the name at run time.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import plumbstore as plumb

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PACKAGE = "plumbstore"


def imported(module: ast.Module) -> Iterator[str]:
    """The dotted names that a module imports: of "from a import b" both a and a.b, as b may be a module."""
    for statement in ast.walk(module):
        if isinstance(statement, ast.Import):
            yield from (each.name for each in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            if statement.level:
                raise AssertionError(f"line {statement.lineno}: a relative import; write the module's whole name")
            for each in statement.names:
                yield f"{statement.module}.{each.name}"


def import_graph(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """The modules that each module imports, from the text of the modules by name.

    A name of the package that is in no module, such as "plumbstore.connect", is an import of the package itself.
    """
    graph: dict[str, set[str]] = {}
    for name, text in sources.items():
        graph[name] = set()
        for target in imported(ast.parse(text)):
            while target not in sources and "." in target:
                target = target.rpartition(".")[0]
            if target in sources and target != name:
                graph[name].add(target)
    return graph


def cycle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """The modules of one cycle in the order in which they import each other, the first one again at the end."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def sources_of_the_client() -> dict[str, str]:
    root = Path(plumb.__file__).parent
    sources = {}
    for file in root.rglob("*.py"):
        parts = (PACKAGE, *file.relative_to(root).with_suffix("").parts)
        sources[".".join(part for part in parts if part != "__init__")] = file.read_text(encoding="utf-8")
    return sources


def test_the_modules_of_the_client_import_each_other_in_no_cycle() -> None:
    graph = import_graph(sources_of_the_client())
    assert "plumbstore.errors" in graph["plumbstore.arguments"]
    assert " imports ".join(cycle_in(graph)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "import plumbstore.b",
        "from plumbstore import b",
        "from plumbstore.b import something",
        "def function():\n    from plumbstore.b import something",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plumbstore.b import Something",
    ],
)
def test_every_form_of_import_counts(text: str) -> None:
    graph = import_graph(
        {
            "plumbstore": "",
            "plumbstore.a": text,
            "plumbstore.b": "import plumbstore.c",
            "plumbstore.c": "import plumbstore.a",
        }
    )
    cycle = cycle_in(graph)
    assert cycle[0] == cycle[-1]
    assert {*cycle} == {"plumbstore.a", "plumbstore.b", "plumbstore.c"}


def test_an_import_of_the_package_itself_is_a_cycle() -> None:
    sources = {"plumbstore": "from plumbstore.a import something", "plumbstore.a": "from plumbstore import connect"}
    assert {*cycle_in(import_graph(sources))} == {"plumbstore", "plumbstore.a"}
