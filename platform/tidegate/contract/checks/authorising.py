"""A shop's owner agrees on the platform's page: only what the platform sent for us is taken, and only once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.registry import check
from tidegate.errors import InputError, TidegateError
from tidegate.sdk.stage.owners import Foreign
from tidegate.sdk.stage.protocol import AsksOwners
from tidegate.services.remotes import authorizing

CALLBACK, BROWSER, WHO = (
    "https://tidegate.example/connections/authorized",
    "kit-browser",
    "contract kit",
)
NEEDS, FACES = "exchange_code", (AsksOwners,)


@check(
    "authorize",
    "店主授权后能用",
    "once the owner has agreed, the account works",
    needs=NEEDS,
    faces=FACES,
    order=63,
)
def works(bench: Bench) -> None:
    with bench.stand(_unauthorised) as stand:
        query = _back(stand)
        authorizing.finish(stand.context, query, WHO, BROWSER)
        stand.renewed()
        stand.made.check_credentials()
        _refused(stand, "used", query)


@check(
    "authorize-refused", "不是平台给我们的授权不被接受, 账号不变",
    "what the platform did not send for us is not taken, and nothing changes", needs=NEEDS, faces=FACES, order=64,
)  # fmt: skip
def refused(bench: Bench) -> None:
    signed = bench.manifest.authorize.signed if bench.manifest.authorize else ""
    code = bench.manifest.authorize.code if bench.manifest.authorize else ""
    forged: dict[str, tuple[str, Callable[[dict[str, str]], Mapping[str, str]]]] = {
        "another state": ("foreign_state", lambda q: {**q, "state": q["state"][::-1]}),
        "no code": ("bad_signature" if signed else "no_code", lambda q: {**q, code: ""}),
        "a code nobody gave": (
            "bad_signature" if signed else "code_refused", lambda q: {**q, code: "0" * 32}
        ),
    }  # fmt: skip
    if signed:
        forged["no signature"] = (
            "bad_signature",
            lambda q: {k: v for k, v in q.items() if k != signed},
        )
        forged["another signature"] = ("bad_signature", lambda q: {**q, signed: q[signed][::-1]})
    with bench.stand(_unauthorised) as stand:
        for wanted, change in forged.values():
            _refused(stand, wanted, change(_back(stand)))
        _refused(stand, "denied", _back(stand, agrees=False))
        stand.renewed()
        try:
            stand.made.check_credentials()
        except TidegateError as error:
            stand.heard.note_error(error)
            return
    raise Wrong(
        "没有一次授权成功, 账号却能用了。", "The account works though no authorisation was good."
    )


def _unauthorised(server: AsksOwners) -> Mapping[str, str]:
    server.callback = CALLBACK
    return server.unauthorised()


def _back(stand: Stand, *, agrees: bool = True) -> dict[str, str]:
    """What the owner's browser brings back."""
    begun = authorizing.begin(stand.context, stand.code, WHO, BROWSER, CALLBACK)
    try:
        back = stand.server.consent(begun.address, agrees=agrees)
    except Foreign as foreign:
        raise Wrong(
            f"平台的授权页不认这个地址: {foreign}; 对照 authorize 的参数与签名。",
            f"The platform's page does not take the address: {foreign}; compare authorize's parameters and signature.",
        ) from None
    query = dict(parse_qsl(urlsplit(back).query, keep_blank_values=True))
    stand.heard.keep_secrets({"code": query.get("code", "")})
    return query


def _refused(stand: Stand, wanted: str, query: Mapping[str, str]) -> None:
    try:
        authorizing.finish(stand.context, query, WHO, BROWSER)
    except InputError as error:
        stand.heard.note_error(error)
        if error.code == f"authorize.{wanted}":
            return
        raise Wrong(
            f"应为 {wanted}, 却是 {error.code}。", f"It should be {wanted} and is {error.code}."
        ) from None
    raise Wrong(
        f"本应拒绝 ({wanted}) 的授权被接受。", f"What should be refused ({wanted}) was taken."
    )
