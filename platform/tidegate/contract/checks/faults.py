"""Each way of going wrong ends in its family of errors, and none is swallowed."""

from __future__ import annotations

from tidegate.contract.bench import Bench
from tidegate.contract.card import Wrong
from tidegate.contract.checks.paging import count_for, since
from tidegate.contract.checks.signing import probe
from tidegate.contract.pulling import base, placed, pull, same
from tidegate.contract.registry import check
from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    RemoteUnknown,
    TidegateError,
)
from tidegate.sdk.stage.protocol import Fault, HasOrders

Families = tuple[type[TidegateError], ...]
EXPECTED: dict[Fault, Families] = {
    Fault.THROTTLED: (RemoteRetry,),
    Fault.EXPIRED: (RemoteCredentials,),
    Fault.REFUSED: (RemoteRefused,),
    Fault.BUSY: (RemoteRetry, RemoteUnknown),
    Fault.DOWN: (RemoteRetry, RemoteUnknown),
    Fault.GARBAGE: (RemoteBroken, RemoteUnknown),
    Fault.SLOW: (RemoteRetry, RemoteUnknown),
    Fault.CUT: (RemoteRetry, RemoteUnknown),
}
LASTING = 20
SLOW_S = 1.5


@check("errors", "每种故障归入正确的错误", "each trouble ends in its family of errors", order=70)
def errors(bench: Bench) -> None:
    for fault, families in EXPECTED.items():
        with bench.stand() as stand:
            if fault is Fault.GARBAGE and stand.sample.get("answers") == "status":
                continue  # nobody reads what it answers
            stand.server.fail(fault, times=LASTING, seconds=SLOW_S)
            found = probe(stand)
            stand.server.healed()
            if "send_notice" in bench.manifest.capabilities and fault is Fault.GARBAGE:
                families = (*families, RemoteRetry)  # rather told twice than not at all
            _judge(fault, found, families)


def _judge(fault: Fault, found: TidegateError | None, families: Families) -> None:
    names = " / ".join(one.__name__ for one in families)
    if found is None:
        raise Wrong(
            f"故障 {fault} 没有抛出任何错误: 被吞掉了; 应为 {names}。",
            f"The trouble {fault} raised nothing: it is swallowed; it should be {names}.",
        )
    kind = type(found).__name__
    confused = isinstance(found, RemoteCredentials) and RemoteCredentials not in families
    if not isinstance(found, families) or confused:
        raise Wrong(
            f"故障 {fault} 成了 {kind} ({found.code}), 应为 {names}: 写进 manifest.yaml 的 errors。",
            f"The trouble {fault} became {kind} ({found.code}), not {names}: say so in the errors of "
            "manifest.yaml.",
        )


@check(
    "errors-while-paging", "翻页中出错, 之后接着读, 一单不丢", "trouble between pages loses nothing",
    needs="pull_orders", faces=(HasOrders,), order=71,
)  # fmt: skip
def while_paging(bench: Bench) -> None:
    for fault in EXPECTED:
        if fault in (Fault.REFUSED, Fault.EXPIRED):
            continue  # for a person to mend; what was not stored is asked for again all the same
        with bench.stand() as stand:
            until = base(bench.manifest.sync)
            expected = placed(stand, count_for(bench), until)
            stand.server.fail(fault, times=1, skip=2, seconds=SLOW_S)
            pull(stand, until, since=until - since(bench), patient=True)
            same(stand, expected)
