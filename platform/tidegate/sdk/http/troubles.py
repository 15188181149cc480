"""What can go wrong with a call, as our errors. None quotes an address, a header or a body: they hold secrets."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.errors import RemoteBroken, RemoteRetry, RemoteUnknown, TidegateError

BAD_ADDRESS_AFTER_S = 300  # a person has to act; asking faster helps nobody
THROTTLED_AFTER_S = 5


def unreachable(api: str, why: str) -> RemoteRetry:
    """`why`: name, connect, tls."""
    return RemoteRetry(
        "remote.unreachable",
        zh=f"连不上对方 ({api}, {why}); 什么都没有发出, 会自动重试。",
        en=f"The other side can't be reached ({api}, {why}); nothing was sent, it is tried again.",
        api=api,
        why=why,
    )


def bad_address(api: str, host: str) -> RemoteRetry:
    return RemoteRetry(
        "remote.address_refused",
        zh=f"不能调用 {host or '这个地址'} ({api}): 须是公网 https 地址, 端口 443、80 或 8443; "
        "内网系统请管理员写进 TIDEGATE_TRUSTED_HOSTS。什么都没有发出。",
        en=f"{host or 'The address'} can't be called ({api}): it must be public https on port 443, 80 or 8443; "
        "systems inside your network are listed in TIDEGATE_TRUSTED_HOSTS. Nothing was sent.",
        api=api,
        retry_after_s=BAD_ADDRESS_AFTER_S,
    )


def closed_address(api: str, host: str, ports: Iterable[int]) -> RemoteRetry:
    """For connections that are no HTTP."""
    many = ", ".join(str(port) for port in ports)
    return RemoteRetry(
        "remote.address_refused",
        zh=f"不能连接 {host[:80]} ({api}): 须是公网地址, 端口 {many}; 内网系统请管理员写进 TIDEGATE_TRUSTED_HOSTS。"
        "什么都没有发出。",
        en=f"{host[:80]} can't be called ({api}): it must be public, on port {many}; systems inside your network "
        "are listed in TIDEGATE_TRUSTED_HOSTS. Nothing was sent.",
        api=api,
        retry_after_s=BAD_ADDRESS_AFTER_S,
    )


def unclear(api: str, why: str, idempotent: bool, **fields: object) -> TidegateError:
    """Nobody knows whether it was done; for an idempotent request that does not matter.

    `why`: timeout, cut, http_502 …
    """
    if idempotent:
        return RemoteRetry(
            "remote.no_answer",
            zh=f"对方没有给出答复 ({api}, {why}); 会自动重试。",
            en=f"The other side gave no answer ({api}, {why}); it is tried again.",
            api=api, why=why, **fields,
        )  # fmt: skip
    return RemoteUnknown(
        "remote.unclear",
        zh=f"对方没有给出明确答复 ({api}, {why}), 不知道是否已受理; 会先查询再继续。",
        en=f"The other side gave no clear answer ({api}, {why}) and may have acted; it is queried first.",
        api=api, why=why, **fields,
    )  # fmt: skip


def throttled(api: str, wait_s: float | None) -> RemoteRetry:
    wait = THROTTLED_AFTER_S if wait_s is None else wait_s
    return RemoteRetry(
        "remote.throttled",
        zh=f"对方要求放慢 ({api}), {wait:.0f} 秒后再试。",
        en=f"The other side asks for a pause ({api}); next try in {wait:.0f} s.",
        api=api,
        retry_after_s=wait,
    )


def broken(api: str, why: str) -> RemoteBroken:
    """`why`: too_large, redirect, encoding."""
    return RemoteBroken(
        "remote.broken",
        zh=f"对方的回答不可用 ({api}, {why}); 请核对账号的服务地址, 或联系维护者。",
        en=f"The answer can't be used ({api}, {why}); check the account's address or ask the maintainers.",
        api=api,
        why=why,
    )
