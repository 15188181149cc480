"""Last: nothing secret and nobody's data in what all checks made the connector write."""

from __future__ import annotations

from tidegate.contract.bench import Bench
from tidegate.contract.canaries import overhearing
from tidegate.contract.card import Wrong
from tidegate.contract.checks.faults import errors, while_paging
from tidegate.contract.registry import check


@check(
    "secrets",
    "密钥和个人信息不出现在日志、调用记录和错误里",
    "no secret and no person in logs, records of calls, errors",
    order=99,
)
def secrets(bench: Bench) -> None:
    if not bench.heard.places:  # alone: make it speak
        with overhearing(bench.heard):
            errors(bench)
            if "pull_orders" in bench.manifest.capabilities:
                while_paging(bench)
    leaks = list(dict.fromkeys(bench.heard.leaks()))
    if leaks:
        told = "; ".join(f"{what} → {where}" for where, what in leaks[:4])
        raise Wrong(
            f"泄露 {len(leaks)} 处: {told}。",
            f"{len(leaks)} leaks: {told}.",
        )
