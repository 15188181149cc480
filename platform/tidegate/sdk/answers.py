"""A platform's error code to one of our errors, by the manifest's `errors`: no connector decides this in code.

Codes are looked up most specific first (`isv.access-token-expired`, then `40003`, then `*`). The platform's own
sentence is never quoted: it may name a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    TidegateError,
)
from tidegate.sdk.manifest import Manifest, Verdict

_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
FAMILIES: dict[str, type[TidegateError]] = {
    "later": RemoteRetry,
    "refused": RemoteRefused,
    "credentials": RemoteCredentials,
    "unknown": RemoteUnknown,
}
SAID = {
    "later": ("暂时不能处理; 会自动重试。", "can't do it just now; it is tried again."),
    "refused": ("拒绝了请求; 请按代码查看原因。", "refused; the code says why."),
    "credentials": (
        "不再接受这个账号的凭据; 请到连接页重新授权, 相关订单会等待。",
        "no longer accepts this account's credentials; renew them on the connections page, orders wait.",
    ),
    "unknown": (
        "没有说清结果; 会先查询再继续。",
        "did not say what happened; it is queried first.",
    ),
}


def verdict_of(manifest: Manifest, codes: Sequence[str]) -> tuple[str, Verdict]:
    """The first code the manifest knows, by itself or by its beginning (`isp.*`), with what it means; `*` is what is
    known of all others.
    """
    for code in codes:
        if code and code in manifest.errors:
            return code, manifest.errors[code]
        for known, verdict in manifest.errors.items():
            if code and known != "*" and known.endswith("*") and code.startswith(known[:-1]):
                return code, verdict
    told = next((code for code in codes if code), "")
    return told, manifest.errors.get("*", Verdict("refused"))


def is_done(manifest: Manifest, *codes: str) -> bool:
    """Whether the code says that it was done before (a repeat that counts as success)."""
    return verdict_of(manifest, codes)[1].kind == "done"


def said_of(manifest: Manifest, kind: str) -> dict[str, str]:
    """What a platform said by the kind of it, where its manifest has no words of its own."""
    zh, en = SAID[kind]
    return {"zh": f"{manifest.title['zh']}{zh}", "en": f"{manifest.title['en']} {en}"}


def error_of(manifest: Manifest, *codes: str, wait_s: float | None = None) -> TidegateError:
    """The error to raise for these codes, the most specific first; `wait_s` when the answer says how long."""
    code, verdict = verdict_of(manifest, codes)
    shown = code if _PLAIN.fullmatch(code) else "?"
    kind = verdict.kind if verdict.kind in FAMILIES else "refused"
    words = verdict.words or said_of(manifest, kind)
    wait = wait_s if wait_s is not None else verdict.wait_s
    fields = {"retry_after_s": wait} if wait is not None else {}
    return FAMILIES[kind](
        f"{manifest.id}.{shown}",
        zh=f"{words['zh']} ({shown})",
        en=f"{words['en']} ({shown})",
        **fields,
    )


def broken(manifest: Manifest, api: str) -> RemoteBroken:
    """The answer has not the shape that its documentation says."""
    return RemoteBroken(
        f"{manifest.id}.unreadable",
        zh=f"{manifest.title['zh']}对 {api} 的回答看不懂; 可能接口已改, 请把调用记录发给维护者。",
        en=f"{manifest.title['en']} answered {api} in a way we don't understand; the interface may have changed.",
        api=api,
    )
