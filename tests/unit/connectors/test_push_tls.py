"""TLS of the push listener, over real loopback sockets; and files that cannot be used."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from pydantic import ValidationError

from connectors.dlms.config import DlmsConfig
from connectors.tls.config import ClientTls, ServerTls
from connectors.tls.contexts import client_context, server_context
from connectors.tls.renewal import Renewal
from connectors.tls.secrets import read_password
from pipeline.errors import ConfigError
from tests.unit.connectors.certificates import Authority
from tests.unit.connectors.test_gather import TITLE, glo, wrapped
from tests.unit.connectors.test_push import listening, until
from tests.unit.connectors.test_push_limits import Page, connections, gone, meters

FRAMES = [wrapped(glo(TITLE, number.to_bytes(4, "big") + bytes(60))) for number in range(400)]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def server_tls(authority: Authority, *, mutual: bool = False) -> dict[str, Any]:
    certificate, key = authority.issue("server")
    ca = {"client_ca": str(authority.file)} if mutual else {}
    return {"tls": {"certificate": str(certificate), "key": str(key), **ca}, "udp": False}


async def push(authority: Authority, more: dict[str, Any], own: ClientTls) -> None:
    page: Page = {}
    async with listening(page=page, **more) as (port, _pump, outlet), meters() as dial:
        _, writer = await dial(port, ssl=client_context(own))
        stream = b"".join(FRAMES)
        for place in range(0, len(stream), 1000):
            writer.write(stream[place : place + 1000])
        await writer.drain()
        await until(lambda: len(outlet.frames) == len(FRAMES))
        writer.close()
        await writer.wait_closed()
        await until(lambda: connections(page)["closed"]["peer"] == 1)
    assert outlet.frames == FRAMES


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_frames_arrive_over_tls(authority: Authority, run: Callable[..., None]) -> None:
    run(push(authority, server_tls(authority), ClientTls(ca=str(authority.file))))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_with_an_authority_for_clients_those_with_a_certificate_of_it_are_let_in(
    authority: Authority, run: Callable[..., None]
) -> None:
    certificate, key = authority.issue("gateway")
    own = ClientTls(ca=str(authority.file), certificate=str(certificate), key=str(key))
    run(push(authority, server_tls(authority, mutual=True), own))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_others_are_refused_and_counted_and_what_they_send_is_not_read(
    authority: Authority, tmp_path: Path, run: Callable[..., None]
) -> None:
    stranger, key = Authority(tmp_path, "other").issue("stranger")
    strange = client_context(ClientTls(ca=str(authority.file), certificate=str(stranger), key=str(key)))
    nobody = client_context(ClientTls(ca=str(authority.file)))
    old = client_context(ClientTls(ca=str(authority.file)))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")

    async def refused() -> None:
        page: Page = {}
        async with (
            listening(page=page, handshake_secs=0.5, **server_tls(authority, mutual=True)) as (port, _, outlet),
            meters() as dial,
        ):
            for count, context in enumerate((strange, nobody, old, None), 1):
                try:
                    reader, writer = await dial(port, ssl=context)
                    writer.write(FRAMES[0])
                    assert await gone(reader)
                except (ssl.SSLError, ConnectionError):
                    pass
                await until(lambda count=count: connections(page)["refused"]["tls"] == count)
            # Who says nothing at all is not waited for.
            reader, _ = await dial(port)
            assert await gone(reader)
            await until(lambda: connections(page)["refused"]["tls"] == 5)
            assert connections(page)["open"] == 0
        assert outlet.frames == outlet.aside == []

    run(refused())


async def test_handshakes_count_as_connections(authority: Authority) -> None:
    page: Page = {}
    async with (
        listening(page=page, connections=1, handshake_secs=5.0, **server_tls(authority)) as (port, _pump, _),
        meters() as dial,
    ):
        _, silent = await dial(port)
        reader, _ = await dial(port)
        assert await gone(reader)
        assert connections(page)["refused"] == {"total": 1, "peer": 0, "tls": 0}
        silent.close()
        await until(lambda: connections(page)["refused"]["tls"] == 1)
        _, writer = await dial(port, ssl=client_context(ClientTls(ca=str(authority.file))))
        await until(lambda: connections(page)["open"] == 1)
        writer.close()


async def test_a_stop_ends_connections_that_do_not_take_leave(authority: Authority) -> None:
    page: Page = {}
    async with meters() as dial, listening(page=page, **server_tls(authority)) as (port, _pump, outlet):
        context = client_context(ClientTls(ca=str(authority.file)))
        _, writer = await dial(port, ssl=context)
        writer.write(FRAMES[0] + FRAMES[1][:-3])
        await until(lambda: outlet.frames == FRAMES[:1])
    assert connections(page)["closed"]["stop"] == 1
    assert outlet.frames == [FRAMES[0], FRAMES[1][:-3]]
    writer.transport.abort()


async def test_connections_behind_a_renewal_get_the_new_certificate_and_open_ones_stay(authority: Authority) -> None:
    page: Page = {}
    options = server_tls(authority)
    context = client_context(ClientTls(ca=str(authority.file)))
    async with listening(page=page, frame_secs=0.2, **options) as (port, _pump, outlet), meters() as dial:
        _, before = await dial(port, ssl=context)
        first = before.get_extra_info("ssl_object").getpeercert(binary_form=True)
        authority.issue("server")

        async def other() -> bool:
            _, writer = await dial(port, ssl=context)
            return bool(writer.get_extra_info("ssl_object").getpeercert(binary_form=True) != first)

        for _ in range(200):
            if await other():
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the new certificate is not shown")
        before.write(FRAMES[0])
        await until(lambda: outlet.frames == FRAMES[:1])


# ------------------------------------------------------------------------------------------------ files


def test_files_that_do_not_fit_leave_the_ones_before(authority: Authority) -> None:
    certificate, key = authority.issue("one")
    renewal = Renewal(ServerTls(certificate=str(certificate), key=str(key)))
    first, former = renewal.context, key.read_bytes()
    assert renewal.look() is first
    authority.issue("one")
    newer = key.read_bytes()
    key.write_bytes(former)
    assert renewal.look() is first
    assert renewal.look() is first
    key.unlink()
    assert renewal.look() is first
    key.write_bytes(newer)
    key.chmod(0o600)
    second = renewal.look()
    assert second is not None
    assert second is not first
    assert renewal.look() is second
    assert renewal.renewed == 1


def test_what_is_wrong_with_a_file_is_said_by_name(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("one")
    _, other = authority.issue("two")
    _, locked = authority.issue("three", b"secret")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    empty.chmod(0o600)
    faults = [
        (tmp_path / "missing.pem", key, "", f"TLS_FILE at {tmp_path}/missing.pem.*No such file"),
        (empty, key, "", "TLS_FILE at .*empty.pem: there is no certificate"),
        (certificate, tmp_path / "missing.key", "", "SECRET_UNREADABLE at .*missing.key"),
        (certificate, empty, "", "TLS_FILE at .*empty.pem: there is no private key"),
        (certificate, other, "", "TLS_KEY_OTHER at .*two.key: it is not the key of the certificate in .*one.pem"),
        (certificate, locked, "", "TLS_FILE at .*three.key: the key is encrypted"),
        (certificate, key, empty, "TLS_FILE at .*empty.pem: there is no certificate"),
    ]
    for first, second, ca, said in faults:
        with pytest.raises(ConfigError, match=said):
            server_context(ServerTls(certificate=str(first), key=str(second), client_ca=str(ca)))
    key.chmod(0o604)
    with pytest.raises(ConfigError, match=r"SECRETS_OPEN at .*one.key: its mode is 604"):
        server_context(ServerTls(certificate=str(certificate), key=str(key)))
    assert server_context(ServerTls()) is None


def test_a_password_is_read_without_the_end_of_its_line(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("pass word\n")
    file.chmod(0o600)
    assert read_password(file) == "pass word"
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="SECRETS_OPEN") as caught:
        read_password(file)
    assert "pass word" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tls": {"certificate": "a.pem"}}, "give both or none"),
        ({"tls": {"certificate": "a.pem", "key": "a.key"}}, "datagrams would be plain"),
        ({"tls": {"client_ca": "a.pem"}}, "give certificate and key too"),
    ],
)
def test_options_of_tls_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DlmsConfig(**options)
