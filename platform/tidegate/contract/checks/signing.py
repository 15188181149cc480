"""Signatures: published vectors, and a server that checks by its own means."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import NotChecked, Wrong
from tidegate.contract.parcels import request
from tidegate.contract.pulling import base, placed, pull
from tidegate.contract.registry import check
from tidegate.errors import RemoteCredentials, RemoteRefused, TidegateError
from tidegate.sdk.capabilities import ChecksCredentials
from tidegate.sdk.discovery import entry_of
from tidegate.sdk.values import Notice

WRONG_KEY = "d3c0y-0000-0000-0000"


@check("vectors", "公开的签名样例", "published signing vectors", serves=False, order=5)
def vectors(bench: Bench) -> None:
    package = entry_of(bench.name).module
    try:
        text = files(package).joinpath("vectors.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:
        if bench.manifest.verified != "vectors":
            return
        raise NotChecked(
            f"manifest.yaml 写着 verified: vectors, 但 {package}/vectors.yaml 不存在。",
            f"manifest.yaml says verified: vectors and there is no {package}/vectors.yaml.",
        ) from None
    found = YAML(typ="safe", pure=True).load(text) or []
    if not found:
        raise Wrong("vectors.yaml 里没有样例。", "vectors.yaml has no vector.")
    for row in found:
        _vector(package, row)


def _vector(package: str, row: dict[str, Any]) -> None:
    """`call: signing:signature` is a function of the connector's package; `given` are its arguments by name."""
    module, _, name = str(row["call"]).partition(":")
    call = getattr(import_module(f"{package}.{module}"), name)
    made = call(**row["given"])
    if made != row["gives"]:
        raise Wrong(
            f"样例“{row['name']}”: {row['call']} 得 {made!s:.40}…, 应为 {row['gives']!s:.40}… (来源 {row['source']})。",
            f"Vector {row['name']!r}: {row['call']} gives {made!s:.40}…, not {row['gives']!s:.40}… "
            f"(from {row['source']}).",
        )


@check(
    "signature",
    "协议服务器认可签名, 错的密钥被拒绝",
    "the server agrees to the signature; a wrong key is refused",
    order=6,
)
def signature(bench: Bench) -> None:
    with bench.stand() as stand:
        _probe(stand)
        if not stand.server.calls:
            raise NotChecked("没有发出任何调用。", "No call was made.")
        bad = [call.api for call in stand.server.calls if call.outcome == "bad_signature"]
        if bad:
            raise Wrong(
                f"服务器自行验签不通过: {bad[0]}; 逐字节对照签名原文。",
                f"The server's own check refuses the signature of {bad[0]}; compare what is signed byte by byte.",
            )
        name = _key(stand)
    if name:
        with bench.stand({name: WRONG_KEY}) as other:
            _refuses(other, name)


def _refuses(stand: Stand, name: str) -> None:
    try:
        _probe(stand)
    except (RemoteCredentials, RemoteRefused) as error:
        stand.heard.note_error(error)
        return
    raise Wrong(
        f"{name} 换成错的仍然成功: 签名没有用到它, 或错误被吞掉。",
        f"With a wrong {name} everything went well: it is not used, or the error is swallowed.",
    )


def _key(stand: Stand) -> str:
    """The secret that signs: what the server names, else the one whose name says so."""
    secrets = sorted(stand.manifest.secrets & set(stand.server.settings))
    named = stand.sample.get("secret", "")
    likely = [name for name in secrets if "secret" in name or "key" in name or "word" in name]
    return named or next(iter(likely or secrets), "")


def _probe(stand: Stand) -> None:
    """One call that needs good credentials."""
    if "send_notice" in stand.manifest.capabilities:
        stand.made.send_notice(Notice("probe-1", "试一试", ("KETTLE-BK: 3",)))
    elif (
        isinstance(stand.made, ChecksCredentials)
        or "check_credentials" in stand.manifest.capabilities
    ):
        stand.made.check_credentials()
    elif "pull_orders" in stand.manifest.capabilities:
        until = base(stand.manifest.sync)
        placed(stand, 1, until)
        pull(stand, until, since=until - timedelta(hours=1))
    elif "create_waybill" in stand.manifest.capabilities:
        stand.made.create_waybill(request(stand, "probe-1"))
    else:
        raise NotChecked(
            "没有 check_credentials: 请加上一个只在凭据正确时成功的调用。",
            "There is no check_credentials: add a cheap call that only works with good credentials.",
        )


def probe(stand: Stand) -> TidegateError | None:
    """What the call raised."""
    try:
        _probe(stand)
    except TidegateError as error:
        stand.heard.note_error(error)
        return error
    return None
