"""Addresses that people type reach nothing inside: forty forms of naming this machine, and a trap that listens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tidegate.errors import RemoteRetry
from tidegate.sdk.http import addresses
from tidegate.sdk.http.addresses import Addresses
from tidegate.sdk.http.messages import Request
from tidegate.sdk.http.sending import Sender, Times

HOSTS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1",
    "0", "0.0.0.0", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fec0::1]", "[ff02::1]",
    "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.8",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "rebind.example", "inner.example",
    "①②⑦.0.0.1", "user:pass@127.0.0.1", "public.example@127.0.0.1",
]  # fmt: skip
INNER = {"rebind.example", "inner.example"}


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[int, list[int]]]:
    """A listener on every address of this machine that counts who came."""
    came: list[int] = []
    listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)

    def accept() -> None:
        while True:
            try:
                found, _ = listener.accept()
            except OSError:
                return
            came.append(1)
            found.close()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1], came
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def trap(
    listening: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, list[int]]:
    port, came = listening
    came.clear()
    monkeypatch.setattr(addresses, "PORTS", (port,))  # so that the port is not what saves us
    return port, came


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names: one always inside, one outside at the first look and inside at every later one."""
    real, looks = socket.getaddrinfo, []

    def lookup(host, port, *rest, **more):
        if host == "rebind.example":
            looks.append(host)
            host = "127.0.0.1" if len(looks) > 1 else "93.184.216.34"
        if host == "inner.example":
            host = "127.0.0.1"
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def test_the_trap_works(trap: tuple[int, list[int]]) -> None:
    port, came = trap
    for host in ("127.0.0.1", "[::1]"):
        with pytest.raises(RemoteRetry):
            Sender([host.strip("[]")]).send(Request("POST", f"https://{host}:{port}/", "x"))
    assert len(came) == 2


@pytest.mark.parametrize("host", HOSTS)
def test_no_form_of_address_reaches_this_machine(
    trap: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    port, came = trap
    reached: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address):
        reached.append(address[0])
        if address[0] == "93.184.216.34":
            raise OSError("no way out of a test")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    sender = Sender(times=Times(0.5, 0.5, 1.0))
    for url in (f"https://{host}:{port}/", f"http://{host}:{port}/"):
        for _ in range(2):
            with pytest.raises(RemoteRetry):
                sender.send(Request("POST", url, "x.make"))
    assert came == []
    assert set(reached) <= {"93.184.216.34"}


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/", "https://93.184.216.34:22/", "https://93.184.216.34:6379/", "file:///etc/passwd",
        "gopher://93.184.216.34/", "https://", "https:///x", "https://a b/", "https://x\\y/", "https://x:0/",
        "https://x:99999/", "//x/", "", "https://x\n/", "ftp://x/",
    ],
)  # fmt: skip
def test_other_schemes_ports_and_broken_forms_are_refused(url: str) -> None:
    assert not Addresses().allowed(url)


def test_what_an_operator_listed_may_be_called() -> None:
    listed = Addresses(["wms.local:8080", "10.0.0.5", " "])
    assert listed.allowed("http://wms.local:8080/api")
    assert not listed.allowed("http://wms.local:8081/api")
    assert listed.allowed("http://10.0.0.5:9000/")
    assert not listed.allowed("http://10.0.0.6/")
    assert listed.allowed("https://api.example.com/")
    assert not listed.allowed("http://user@10.0.0.5/")
