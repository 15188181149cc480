"""B20: an address that somebody typed reaches nothing inside; redirects and names that change their mind included."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from listener import Listener

from tidegate.errors import InputError
from tidegate.services.webhooks.guarded import GuardedCaller

PUBLIC = "93.184.215.14"


class Trap:
    """Listens on loopback, IPv4 and IPv6 on one port, and counts who comes."""

    def __init__(self) -> None:
        self.caught = 0
        self.sockets = [socket.socket(socket.AF_INET)]
        self.sockets[0].bind(("127.0.0.1", 0))
        self.port = self.sockets[0].getsockname()[1]
        try:
            six = socket.socket(socket.AF_INET6)
            six.bind(("::1", self.port))
            self.sockets.append(six)
        except OSError:
            pass  # a machine without IPv6 can't be reached by it either
        for one in self.sockets:
            one.listen()
            threading.Thread(target=self._count, args=(one,), daemon=True).start()

    def _count(self, one: socket.socket) -> None:
        while True:
            try:
                one.accept()[0].close()
            except OSError:
                return
            self.caught += 1

    def stop(self) -> None:
        for one in self.sockets:
            one.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.stop()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The name server: each name gives its addresses in turn, the last one for ever."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name in known:
            address = known[name].pop(0) if len(known[name]) > 1 else known[name][0]
            return real(address, port, *args, **more)
        if (
            name.replace(".", "").isdigit()
            or ":" in name
            or name.startswith("0x")
            or name == "localhost"
        ):
            return real(host, port, *args, **more)
        raise socket.gaierror(socket.EAI_NONAME, "unknown name")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


VECTORS = (
    "{s}://127.0.0.1:{p}/", "{s}://localhost:{p}/", "{s}://LOCALHOST:{p}/", "{s}://127.1:{p}/",
    "{s}://2130706433:{p}/", "{s}://0x7f000001:{p}/", "{s}://0x7f.0.0.1:{p}/", "{s}://0177.0.0.1:{p}/",
    "{s}://017700000001:{p}/", "{s}://127.0.0.1.:{p}/", "{s}://0.0.0.0:{p}/", "{s}://0:{p}/",
    "{s}://[::1]:{p}/", "{s}://[::]:{p}/", "{s}://[::ffff:127.0.0.1]:{p}/", "{s}://[::ffff:7f00:1]:{p}/",
    "{s}://[::127.0.0.1]:{p}/", "{s}://[::7f00:1]:{p}/", "{s}://[64:ff9b::7f00:1]:{p}/",
    "{s}://[2002:7f00:1::]:{p}/", "{s}://[0:0:0:0:0:ffff:127.0.0.1]:{p}/", "{s}://127.127.127.127:{p}/",
    "{s}://user@127.0.0.1:{p}/", "{s}://example.com@127.0.0.1:{p}/", "{s}://127.0.0.1:{p}#@example.com/",
    "{s}://example.com:{p}\\@127.0.0.1:{p}/", "{s}://127.0.0.1\t:{p}/", "{s}://①②⑦.⓪.⓪.①:{p}/",
    "{s}://inside.example:{p}/", "{s}://inside-six.example:{p}/", "{s}://changes.example:{p}/",
    "{s}://metadata.example/latest", "{s}://169.254.169.254/latest", "{s}://10.0.0.1:{p}/",
    "{s}://192.168.0.1:{p}/", "{s}://172.16.0.1:{p}/", "{s}://100.64.0.1:{p}/", "{s}://[fe80::1%25lo]:{p}/",
    "{s}://[fc00::1]:{p}/", "{s}://[fec0::1]:{p}/", "{s}://224.0.0.1:{p}/", "{s}://255.255.255.255:{p}/",
    "{s}://198.18.0.1:{p}/", "file:///etc/passwd", "gopher://127.0.0.1:{p}/", "dict://127.0.0.1:{p}/",
    "{s}:127.0.0.1:{p}", "//127.0.0.1:{p}/", "", "{s}://", "{s}://:{p}/", "{s}://127.0.0.1:0/",
    "{s}://127.0.0.1:99999/",
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("vector", VECTORS)
def test_no_typed_address_reaches_the_inside(
    vector: str,
    scheme: str,
    trap: Trap,
    names: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidegate.sdk.http.addresses.PORTS", (443, 80, 8443, trap.port))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{trap.port}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{trap.port}")
    names |= {
        "inside.example": ["127.0.0.1"], "inside-six.example": ["::1"],
        "changes.example": ["10.0.0.1", "127.0.0.1"], "metadata.example": ["169.254.169.254"],
    }  # fmt: skip
    url = vector.format(s=scheme, p=trap.port)
    heard = GuardedCaller(connect_s=1, read_s=1, total_s=2).post(url, b"{}", {})
    assert heard.status is None
    assert heard.error in ("refused_address", "no_connection")
    assert trap.caught == 0


def test_there_are_forty_vectors_and_more() -> None:
    assert len(set(VECTORS)) >= 40


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the guard's refusal leaves a socket unused
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_name_that_turns_inwards_after_it_was_looked_up_gains_nothing(
    trap: Trap, names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is public and that is where the call goes (the tests' own guard stops it there)."""
    monkeypatch.setattr("tidegate.sdk.http.addresses.PORTS", (trap.port,))
    names["rebinds.example"] = [PUBLIC, "127.0.0.1"]
    with pytest.raises(AssertionError, match=PUBLIC):
        GuardedCaller().post(f"https://rebinds.example:{trap.port}/", b"{}", {})
    assert trap.caught == 0


def test_a_redirect_inwards_is_not_followed(trap: Trap) -> None:
    server = Listener()
    for status in (301, 302, 303, 307, 308):
        server.otherwise = (status, {"Location": f"http://127.0.0.1:{trap.port}/"}, b"")
        heard = GuardedCaller([f"127.0.0.1:{server.port}"]).post(server.url, b"{}", {})
        assert heard.status == status
    server.stop()
    assert trap.caught == 0


def test_the_switch_lets_exactly_the_named_host_and_port_through() -> None:
    server, other = Listener(), Listener()
    caller = GuardedCaller([f" 127.0.0.1:{server.port} "])
    assert caller.post(server.url, b"{}", {}).status == 200
    assert caller.post(other.url, b"{}", {}).error == "refused_address"
    assert GuardedCaller(["127.0.0.1"]).post(other.url, b"{}", {}).status == 200
    server.stop()
    other.stop()
    assert len(other.heard) == 1


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.com/x", True), ("https://example.com:8443/x", True), ("https://8.8.8.8/x", True),
        ("https://[2606:4700::1111]/x", True), ("https://例子.中国/x", True),
        ("http://example.com/x", False), ("https://example.com:22/x", False),
        ("https://a:b@example.com/x", False), ("https://exa mple.com/x", False),
    ],
)  # fmt: skip
def test_which_addresses_can_be_saved(url: str, fine: bool) -> None:
    if fine:
        assert GuardedCaller().check(url) == url
        return
    with pytest.raises(InputError) as wrong:
        GuardedCaller().check(url)
    assert wrong.value.fields["field"] == "url"


def test_a_long_answer_is_read_to_its_beginning_only() -> None:
    server = Listener()
    server.otherwise = (200, {}, b"x" * 5_000_000)
    heard = GuardedCaller([f"127.0.0.1:{server.port}"]).post(server.url, b"{}", {})
    server.stop()
    assert (heard.status, len(heard.answer)) == (200, 4096)
