"""Runs the plumb binary.

The binary prints its answers and its progress as JSON. Its exit code says whether an error is an InputError or a Fault.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbstore.arguments import path
from plumbstore.errors import (
    ConflictError,
    Error,
    Fault,
    InputError,
    NotFoundError,
    PreconditionError,
    Problem,
    UnavailableError,
)

EXIT_INPUT = 3
STOP_SECONDS = 20
"""How long an interrupted binary may take to clean up before it is killed."""

OnProgress = Callable[[str, int, int], None]

_KINDS: Mapping[str, type[InputError] | type[Fault]] = {
    "not_found": NotFoundError,
    "precondition": PreconditionError,
    "conflict": ConflictError,
    "unavailable": UnavailableError,
}


def find_binary(given: str | os.PathLike[str] | None) -> str:
    """Returns the path of the plumb binary: the one given, else $PLUMB_BINARY, else the one that was installed with
    this package, else plumb on PATH. Raises InputError if it does not exist.
    """
    named, where = (
        (str(path("binary", given)), "binary")
        if given is not None
        else (os.environ.get("PLUMB_BINARY"), "$PLUMB_BINARY")
    )
    if named:
        found = shutil.which(named)
        if found is None:
            raise InputError(f"{where}: {named} is not an executable program")
        return str(Path(found).resolve())
    found = shutil.which("plumb", path=sysconfig.get_path("scripts")) or shutil.which("plumb")
    if found is None:
        raise InputError("plumb is not on PATH; install it, or give its path with binary= or $PLUMB_BINARY")
    return found


class Command:
    """The binary and the project folder that it runs in."""

    def __init__(self, binary: str, project: Path) -> None:
        self._binary, self._project = binary, project

    def run(self, arguments: Sequence[str], progress: OnProgress | None = None) -> dict[str, Any]:
        """Runs a command and returns the JSON document that it prints, which may list what was refused. Raises the
        error that the command reports. An exception in this process, such as KeyboardInterrupt, stops the command and
        waits for it.
        """
        command = [self._binary, "--output=json", *arguments]
        for argument in arguments:
            if "\0" in argument:
                raise InputError(f"{argument!r} contains a NUL, which the command line cannot pass")
        # A session of its own: the binary gets Ctrl-C once, from this process. A second one from the terminal would
        # kill it.
        with self._start(command) as process:
            try:
                printed, messages = _listen(process, progress)
            except BaseException:
                _stop(process)
                raise
        return _answer(process.returncode, printed, messages)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(  # noqa: S603 - the binary is the caller's choice; no shell reads the arguments.
                command,
                cwd=self._project,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,
            )
        except OSError as error:
            raise Fault(f"cannot run {self._binary} in {self._project}: {error.strerror or error}") from error


def _listen(process: subprocess.Popen[str], progress: OnProgress | None) -> tuple[str, str]:
    """Waits for the process to end, and returns its stdout and its last messages on stderr."""
    if process.stdout is None or process.stderr is None:
        raise ValueError("the process has no pipes")
    printed: list[str] = []
    reader = threading.Thread(target=lambda out=process.stdout: printed.append(out.read()), daemon=True)
    reader.start()
    messages: list[str] = []
    for line in process.stderr:
        update = _progress(line)
        if update is None:
            messages = [*messages[-19:], line]
        elif progress is not None:
            progress(str(update.get("step", "")), int(update.get("rows", 0)), int(update.get("total", 0)))
    process.wait()
    reader.join()
    return "".join(printed), "".join(messages)


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _progress(line: str) -> dict[str, Any] | None:
    """Returns the progress in a line of stderr, or None for other messages."""
    if not line.startswith('{"progress"'):
        return None
    try:
        update = json.loads(line)["progress"]
    except (ValueError, KeyError):
        return None
    return update if isinstance(update, dict) else None


def _answer(code: int, printed: str, messages: str) -> dict[str, Any]:
    documents = [_document(line) for line in printed.splitlines() if line.strip()]
    answer = documents[-1] if documents else {}
    if code == 0:
        return answer
    failed = answer.get("error")
    if isinstance(failed, dict):
        error = _error(failed)
        error.printed = documents[0] if len(documents) > 1 else None
        raise error
    if code == EXIT_INPUT and answer:
        return answer  # The answer lists what was refused.
    raise Fault(messages.strip() or f"plumb ended with exit code {code}")


def _document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line, parse_int=_number)
    except ValueError as error:
        raise Fault(f"plumb printed something that is not JSON: {error}") from error
    return document if isinstance(document, dict) else {}


def _number(digits: str) -> int | float:
    """Parses a JSON number without a fraction. -0 becomes a float, which keeps its sign."""
    return -0.0 if digits == "-0" else int(digits)


def _error(failed: Mapping[str, Any]) -> Error:
    """Returns the exception for the error that a command reported."""
    problems = [Problem(p["file"], p["line"], p["column"], p["message"]) for p in failed.get("problems", ())]
    lines = [line.removeprefix("plumb: ") for line in str(failed.get("message", "")).splitlines()]
    message = ("\n" if problems else "; ").join(lines)
    kind = _KINDS.get(str(failed.get("kind")))
    if failed.get("exit_code") != EXIT_INPUT:
        return kind(message) if kind is not None and issubclass(kind, Fault) else Fault(message)
    if kind is not None and issubclass(kind, InputError):
        return kind(message)
    return InputError(message, problems)
