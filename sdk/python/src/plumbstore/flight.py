"""A join over Arrow Flight: the client sends label rows, and the server sends joined rows and progress."""

from __future__ import annotations

import contextlib
import queue
import threading
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.flight as fl
from google.protobuf import json_format

from plumbstore import manifests
from plumbstore.errors import Fault
from plumbstore.report import InvalidValues, Report, ViewReport
from plumbstore.v1.historical_pb2 import HistoricalRequest, HistoricalUpdate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plumbstore.carriers import Carriers
    from plumbstore.labels import Labels
    from plumbstore.manifests import Manifest

QUEUED_MESSAGES = 4
"""How many messages of the answer are queued for a slow reader. The server waits with the others."""

MESSAGE_BYTES = 2 << 20
"""The size limit of a message of label rows. gRPC servers accept at most 4 MiB."""

Message: TypeAlias = pa.RecordBatch | pa.Schema | HistoricalUpdate | BaseException | None


def split(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """Splits a batch into messages of at most MESSAGE_BYTES. A single larger row is one message."""
    if batch.num_rows <= 1 or batch.nbytes <= MESSAGE_BYTES:
        return [batch]
    half = batch.num_rows // 2
    return split(batch.slice(0, half)) + split(batch.slice(half))


class Exchange:
    """One running join.

    A separate thread sends and receives the messages, so that the caller's thread can be interrupted at any time. It
    sends all labels before it receives, because a server answers only once it has all of them, and because Arrow Flight
    cannot end a call from two threads: if one reads the end of the answer while another ends the labels, gRPC aborts
    the process. The last element that the thread puts into the queue is None, and ``close`` empties the queue up to it.
    """

    def __init__(
        self,
        client: fl.FlightClient,
        options: fl.FlightCallOptions,
        request: HistoricalRequest,
        carriers: Carriers,
        labels: Labels,
    ) -> None:
        command = json_format.MessageToJson(request, indent=None).encode()
        self._carriers = carriers
        self._messages: queue.Queue[Message] = queue.Queue(QUEUED_MESSAGES)
        self._mistake: BaseException | None = None
        self._ended = False
        self.report: Report | None = None
        """The report of the join, once its last row has been read."""
        self.manifest: Manifest | None = None
        """The manifest of the result, if it was asked for, once the last row has been read."""
        self._writer, self._reader = client.do_exchange(fl.FlightDescriptor.for_command(command), options)
        self._thread = threading.Thread(target=self._move, args=(labels,), daemon=True)
        self._thread.start()

    def _move(self, labels: Labels) -> None:
        self._send(labels)
        self._receive()

    def _send(self, labels: Labels) -> None:
        try:
            self._writer.begin(self._carriers.wire)
            for batch in labels.batches:
                for part in split(self._carriers.pack(batch)):
                    self._write(part)
            self._writer.done_writing()
        except fl.FlightError:
            pass  # The server has stopped reading. The reason is received next.
        except BaseException as error:
            self._mistake = error
            self._reader.cancel()

    def _write(self, batch: pa.RecordBatch) -> None:
        try:
            self._writer.write_batch(batch)
        except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
            raise fl.FlightError(str(error)) from error  # pyarrow raises a status of the server as another error.

    def _receive(self) -> None:
        try:
            schema = None
            while True:
                chunk = self._reader.read_chunk()
                if chunk.app_metadata is not None:
                    self._messages.put(
                        json_format.Parse(bytes(chunk.app_metadata), HistoricalUpdate(), ignore_unknown_fields=True)
                    )
                if chunk.data is not None:
                    if schema is None:
                        schema = chunk.data.schema
                        self._messages.put(schema)
                    self._messages.put(chunk.data)
        except StopIteration:
            pass
        except BaseException as error:
            self._messages.put(error)
        finally:
            self._messages.put(None)

    def start(self, progress: Callable[[str, int, int], None]) -> pa.Schema:
        """Waits for the rows to begin, reports progress meanwhile, and returns their schema, which the server sends
        even if there are no rows.

        Raises the error of the server, and Fault if the server ends the call without a schema.
        """
        for message in iter(self._next, None):
            if isinstance(message, pa.Schema):
                return message
            if isinstance(message, HistoricalUpdate):
                self._note(message, progress)
        raise Fault("the server ended the join without an answer")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Returns the rows, with label columns in their own types. Closing the iterator early stops the join."""
        try:
            for message in iter(self._next, None):
                if isinstance(message, pa.RecordBatch):
                    yield self._carriers.unpack(message)
                elif isinstance(message, HistoricalUpdate):
                    self._note(message, None)
        finally:
            self.close()

    def _note(self, update: HistoricalUpdate, progress: Callable[[str, int, int], None] | None) -> None:
        if update.HasField("report"):
            views = tuple(ViewReport(v.alias, v.matched, v.null_keys, v.null_times) for v in update.report.views)
            invalid = tuple(InvalidValues(i.alias, i.feature, i.rows) for i in update.report.invalid)
            self.report = Report(update.report.rows, views, update.report.seconds, invalid)
            if update.report.manifest:
                self.manifest = manifests.parse(update.report.manifest, "the manifest that the server sent")
        elif progress is not None:
            progress(update.progress.step, update.progress.rows, update.progress.total)

    def _next(self) -> Message:
        if self._ended:
            return None
        message = self._messages.get()
        if message is None:
            self._ended = True
        if isinstance(message, BaseException):
            raise self._mistake or message
        return message

    def close(self) -> None:
        """Cancels the call if it is still running, and waits until the thread has ended."""
        if not self._ended:
            self._reader.cancel()
        while not self._ended:
            self._ended = self._messages.get() is None
        if self._thread is not threading.current_thread():
            self._thread.join()
        with contextlib.suppress(pa.ArrowException, OSError):
            self._writer.close()  # The error has been raised already. Without close, the writer would print it again.
