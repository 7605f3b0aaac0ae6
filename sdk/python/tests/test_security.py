"""TLS, client certificates and tokens, against the real binary."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import trustme
from conftest import MATERIALIZED, Served, run

import plumbstore as plumb
import plumbstore.aio

KEYS = {"airport": ["JFK"]}


class Files:
    """A certificate authority and the certificates that it issued, as files."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca, self.cert, self.key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        authority.cert_pem.write_to_path(str(self.ca))
        server = authority.issue_cert("127.0.0.1", "localhost")
        server.private_key_pem.write_to_path(str(self.key))
        server.cert_chain_pems[0].write_to_path(str(self.cert))
        self.client_cert, self.client_key = folder / "client.pem", folder / "client.key"
        client = authority.issue_cert("client.example.com")
        client.private_key_pem.write_to_path(str(self.client_key))
        client.cert_chain_pems[0].write_to_path(str(self.client_cert))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The certificates of the secured server and of its clients."""
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tokens(flights: Path) -> dict[str, str]:
    """A token of each role, by the role's name."""
    made = {}
    for role in ("read", "write", "admin"):
        made[role] = run(
            *("token", "create", "--project-dir", flights, "--serving-tokens", "tokens.yaml"),
            *("--name", role, "--role", role),
        ).strip()
    return made


@pytest.fixture(scope="module")
def secured(flights: Path, tokens: dict[str, str], files: Files) -> Iterator[Served]:
    """A server that requires TLS, a client certificate and a token."""
    assert tokens
    served = Served(
        flights,
        *("--serving-tokens", "tokens.yaml", "--serving-tls-cert", files.cert, "--serving-tls-key", files.key),
        *("--serving-tls-client-ca", files.ca),
    )
    yield served
    served.stop()


Connect = Callable[[str | None], contextlib.AbstractContextManager[plumb.Store]]


@pytest.fixture
def connect(secured: Served, files: Files) -> Connect:
    """Connects correctly, with a token."""

    def connected(token: str | None) -> plumb.Store:
        return plumb.connect(
            f"grpcs://{secured.address}", token=token, ca=files.ca, cert=files.client_cert, key=files.client_key
        )

    return connected


def test_a_token_lets_in_over_grpc_and_flight(connect: Connect, tokens: dict[str, str], labels: pd.DataFrame) -> None:
    with connect(tokens["read"]) as store:
        assert store.online(features=["weather:temp"], keys=KEYS, at=MATERIALIZED).to_pandas()["temp"].notna().all()
        assert len(store.historical(labels[:5], service="delay_model").to_pandas()) == 5
        assert [view.name for view in store.feature_views()]
        assert tokens["read"] not in repr(store) + repr(vars(store))


def test_without_a_right_token_calls_are_unauthenticated(connect: Connect, labels: pd.DataFrame) -> None:
    for token, words in ((None, "no token came with the call"), ("plumb_guessed", "not one that this server knows")):
        with connect(token) as store:
            with pytest.raises(plumb.UnauthenticatedError, match=words):
                store.online(features=["weather:temp"], keys=KEYS)
            with pytest.raises(plumb.UnauthenticatedError, match=words):
                store.historical(labels[:5], service="delay_model")


def test_a_role_that_does_not_suffice_is_denied(connect: Connect, tokens: dict[str, str], flights: Path) -> None:
    denied = pytest.raises(plumb.PermissionDeniedError, match='"write" has the role write .*; this needs admin')
    with connect(tokens["write"]) as store, denied:
        store.apply(flights / "features")
    with connect(tokens["admin"]) as store:
        assert not store.apply(flights / "features").changes


def test_a_server_without_a_trusted_certificate_is_refused(
    secured: Served, files: Files, tokens: dict[str, str], tmp_path: Path
) -> None:
    other = Files(tmp_path)
    url, shown = f"grpcs://{secured.address}", {"cert": files.client_cert, "key": files.client_key}
    wrong: tuple[dict[str, Any], ...] = (
        {"ca": other.ca, **shown},
        shown,
        {"ca": files.ca},
        {"ca": files.ca, "cert": other.client_cert, "key": other.client_key},
    )
    for given in wrong:
        with pytest.raises(plumb.UnavailableError):
            plumb.connect(url, token=tokens["read"], timeout=5, **given)
    with pytest.raises(plumb.UnavailableError):
        plumb.connect(secured.url, token=tokens["read"], timeout=5)


def test_arguments_that_do_not_belong_together_are_refused(files: Files) -> None:
    here, there = "grpc://127.0.0.1:6570", "grpc://features.example.com:6570"
    for url, given, words in (
        (here, {"ca": files.ca}, "write it with grpcs://"),
        ("grpcs://127.0.0.1:6570", {"cert": files.client_cert}, "cert and key belong together"),
        ("grpcs://127.0.0.1:6570", {"ca": "none.pem"}, "cannot read ca: .*none.pem"),
        (there, {"token": "secret"}, "would be sent to features.example.com:6570 without TLS"),
        (here, {"token": "two words"}, "the token is not valid"),
        ("https://127.0.0.1:6570", {}, "not the address of a server"),
    ):
        with pytest.raises(plumb.InputError, match=words) as raised:
            plumb.connect(url, **given)
        assert "secret" not in str(raised.value)


def test_a_pickled_store_carries_no_secret(
    connect: Connect, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(tokens["read"]) as store:
        pickled = pickle.dumps(store)
        expected = store.feature_view("weather")
    assert tokens["read"].encode() not in pickled
    assert b"PRIVATE KEY" not in pickled
    with pytest.raises(plumb.InputError, match="set PLUMB_TOKEN"):
        pickle.loads(pickled)
    monkeypatch.setenv("PLUMB_TOKEN", tokens["read"])
    with pickle.loads(pickled) as store:
        assert store.feature_view("weather") == expected


def test_the_asyncio_client_uses_tls_and_tokens(secured: Served, tokens: dict[str, str], files: Files) -> None:
    async def names() -> list[str]:
        async with plumbstore.aio.connect(
            f"grpcs://{secured.address}",
            token=tokens["read"],
            ca=files.ca,
            cert=files.client_cert,
            key=files.client_key,
        ) as store:
            return [view.name for view in await store.feature_views()]

    assert "weather" in asyncio.run(names())
