"""Why an authorisation counted for nothing, in words: what happened, and what to do now."""

from __future__ import annotations

from tidegate.errors import InputError, RemoteUnknown

SAID = {
    "foreign_state": (
        "这次授权不是从这个浏览器的当前登录发起的; 请回到账号页, 重新点“去平台授权”。",
        "this authorisation was not begun in this browser and session; begin again on the account's page.",
    ),
    "used": (
        "这次授权已经处理过; 如需再次授权, 请回到账号页重新开始。",
        "this authorisation was dealt with before; begin again on the account's page if it is needed.",
    ),
    "expired": (
        "离开超过十分钟, 这次授权作废; 请回到账号页重新开始。",
        "more than ten minutes went by, so it counts no more; begin again on the account's page.",
    ),
    "denied": (
        "店主在平台上没有同意授权; 账号没有变化, 同意后可重新开始。",
        "the shop's owner did not agree on the platform; nothing has changed, begin again once they do.",
    ),
    "bad_signature": (
        "平台返回的内容签名不对, 没有接受; 请核对应用的密钥, 再重新开始。",
        "what came back is not signed by the platform and was not taken; check the app's secret and begin again.",
    ),
    "other_shop": (
        "授权的是另一家店铺, 没有接受; 请用这个账号的店铺登录平台, 或为那家店铺另建账号。",
        "another shop was authorised and nothing was taken; sign in there as this account's shop, or add an "
        "account for that one.",
    ),
    "no_code": (
        "平台没有带回授权码; 请核对在平台登记的回调地址, 再重新开始。",
        "the platform sent no code; check the callback address registered there and begin again.",
    ),
    "code_refused": (
        "平台不接受授权码(过期或已用过)或应用的密钥; 请重新开始, 仍不行就核对密钥与登记的回调地址。",
        "the platform did not take the code (over, or used before) or the app's secret; begin again, then check "
        "the secret and the registered callback.",
    ),
}


def away(account: str, why: str) -> RemoteUnknown:
    """The platform gave no tokens for the code; whether it counted the code as used, nobody knows."""
    return RemoteUnknown(
        "authorize.away",
        zh=f"账号 {account}: 店主已同意, 但平台没有用授权码换给令牌; 授权码只能用一次, 不会自动重试。账号没有变化, "
        "请过几分钟回到账号页重新点“去平台授权”。",
        en=f"Account {account}: the owner agreed, but the platform gave no tokens for the code. A code counts once, so "
        "this is not tried again by itself. Nothing has changed; begin again on the account's page in some minutes.",
        account=account,
        platform=why,
    )


def failure(code: str, account: str = "", **more: str) -> InputError:
    """One of SAID, with the account it is about."""
    zh, en = SAID.get(code, SAID["bad_signature"])
    at_zh, at_en = (f"账号 {account}: ", f"Account {account}: ") if account else ("", "")
    fields = {"account": account, **more} if account else more
    return InputError(f"authorize.{code}", zh=at_zh + zh, en=_capital(at_en + en), **fields)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def scope_missing(account: str, missing: list[str]) -> InputError:
    many = ", ".join(missing)
    return InputError(
        "authorize.scope_missing",
        zh=f"账号 {account}: 授权缺少权限 {many}; 请在平台的应用里勾选后重新开始, 账号没有变化。",
        en=f"Account {account}: the authorisation lacks {many}; give the app those permissions and begin again, "
        "nothing has changed.",
        account=account,
        scopes=many,
    )


def not_possible(account: str, code: str, zh: str, en: str, *, field: str = "") -> InputError:
    return InputError(
        f"authorize.{code}", zh=f"{zh}。", en=f"{_capital(en)}.", account=account, field=field
    )
