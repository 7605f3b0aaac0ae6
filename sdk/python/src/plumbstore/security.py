"""The address of a server, and how client and server authenticate each other: TLS and a token."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import grpc.aio
import pyarrow.flight as fl

from plumbstore import arguments
from plumbstore.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    File = str | os.PathLike[str] | None

TOKEN = "PLUMB_TOKEN"  # noqa: S105 - the name of a variable.
"""The environment variable with the token for stores that were pickled."""


@dataclass(frozen=True)
class Endpoint:
    """A server's address, and the credentials for calls to it."""

    address: str
    tls: bool
    token: str | None = field(default=None, repr=False)
    ca: bytes | None = field(default=None, repr=False)
    cert: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    files: tuple[str | None, ...] = (None, None, None)
    """The absolute paths of ca, cert and key."""

    def portable(self) -> Endpoint:
        """Returns the endpoint without secrets, for a pickle."""
        token = None if self.token is None else ""
        return replace(self, token=token, ca=None, cert=None, key=None)

    def restored(self) -> Endpoint:
        """Returns a portable endpoint with the content of its files, and with the token of this process."""
        token = self.token
        if token is not None:
            token = os.environ.get(TOKEN)
            if not token:
                raise InputError(f"a pickled store has no token; set {TOKEN} where it is unpickled")
        return endpoint(self.url, token, *self.files)

    @property
    def url(self) -> str:
        """The url, as passed to connect."""
        return f"{'grpcs' if self.tls else 'grpc'}://{self.address}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata of each call over gRPC."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)

    def channel(self, options: Sequence[tuple[str, Any]]) -> grpc.Channel:
        """Returns a gRPC channel to the server."""
        if not self.tls:
            return grpc.insecure_channel(self.address, options)
        credentials = grpc.ssl_channel_credentials(self.ca, self.key, self.cert)
        return grpc.secure_channel(self.address, credentials, options)

    def aio_channel(self, options: Sequence[tuple[str, Any]]) -> Any:  # noqa: ANN401 - grpc.aio has no types.
        """Returns a gRPC channel to the server for the running event loop."""
        if not self.tls:
            return grpc.aio.insecure_channel(self.address, options)
        credentials = grpc.ssl_channel_credentials(self.ca, self.key, self.cert)
        return grpc.aio.secure_channel(self.address, credentials, options)

    def flight(self) -> fl.FlightClient:
        """Returns an Arrow Flight client of the server."""
        if not self.tls:
            return fl.FlightClient(f"grpc://{self.address}")
        given = {"tls_root_certs": self.ca, "cert_chain": self.cert, "private_key": self.key}
        return fl.FlightClient(
            f"grpc+tls://{self.address}", **{name: text for name, text in given.items() if text is not None}
        )

    def flight_options(self) -> fl.FlightCallOptions:
        """Returns the options of each call over Flight."""
        return fl.FlightCallOptions(headers=[(name.encode(), value.encode()) for name, value in self.metadata])


def endpoint(url: str, token: str | None, ca: File, cert: File, key: File) -> Endpoint:
    """Returns the endpoint for a url such as grpc://127.0.0.1:6570 or grpcs://features.example.com:6570."""
    address, host, tls = _parse(arguments.text("url", url))
    if token is not None:
        arguments.text("token", token)
    if not tls and any(file is not None for file in (ca, cert, key)):
        raise InputError(f"ca, cert and key require TLS, which {url!r} does not use; write it with grpcs://")
    if (cert is None) != (key is None):
        raise InputError("cert and key belong together; give both")
    if token is not None and (not token or not token.isascii() or not token.isprintable() or " " in token):
        raise InputError("the token is not valid; it has to be printable ASCII without spaces")
    if token is not None and not tls and not _is_loopback(host):
        raise InputError(f"the token would be sent to {address} without TLS; connect with grpcs://{address}")
    files = tuple(None if file is None else str(arguments.path("file", file).absolute()) for file in (ca, cert, key))
    return Endpoint(address, tls, token, _read("ca", ca), _read("cert", cert), _read("key", key), files)


def _parse(url: str) -> tuple[str, str, bool]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("grpc", "grpcs") and parts.hostname and parts.port and parts.path in ("", "/"):
            return parts.netloc, parts.hostname, parts.scheme == "grpcs"
    except ValueError:
        pass
    raise InputError(f"{url!r} is not the address of a server; write it like grpc://127.0.0.1:6570")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(name: str, file: File) -> bytes | None:
    if file is None:
        return None
    path = arguments.path(name, file)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {name}: {error}") from error
