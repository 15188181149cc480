"""Parcels followed by number: scans of each under its own, and subscriptions that may be repeated."""

from __future__ import annotations

from datetime import timedelta

from tidegate.bootstrap import utc_now
from tidegate.contract.bench import Bench, Stand
from tidegate.contract.card import Wrong
from tidegate.contract.parcels import carrier_of
from tidegate.contract.registry import check
from tidegate.errors import RemoteRetry, RemoteUnknown
from tidegate.sdk.carrier import CarrierScan
from tidegate.sdk.stage.protocol import Fault, HasScans, HasSubscriptions
from tidegate.sdk.values import Tracked

NUMBERS = [f"SF12345678901{n:02d}" for n in range(12)]


def _tracked(stand: Stand, number: str) -> Tracked:
    return Tracked(number, carrier_of(stand), phone_tail="0123")


@check(
    "track-many", "轨迹各归各的单号, 再问不变", "scans stay with their numbers, and are the same when asked again",
    needs="track", faces=(HasScans,), order=57,
)  # fmt: skip
def track_many(bench: Bench) -> None:
    with bench.stand() as stand:
        at = utc_now().replace(microsecond=0) - timedelta(hours=5)
        carrier = stand.manifest.carriers.get(carrier_of(stand), carrier_of(stand))
        code = next(code for code in stand.manifest.tracking if not code.endswith("*"))
        for place, number in enumerate(NUMBERS[:-1]):
            for hour in range(2):
                when = at + timedelta(hours=hour, minutes=place)
                stand.server.add_scan(carrier, number, code, when, f"扫描{hour}")
        first, second = _asked(stand), _asked(stand)
        wanted = {
            (number, at + timedelta(hours=hour, minutes=place))
            for place, number in enumerate(NUMBERS[:-1])
            for hour in range(2)
        }
        told = {(one.waybill_no, one.at) for one in first}
        if told != wanted:
            raise Wrong(
                f"{len(NUMBERS)} 个单号应有 {len(wanted)} 条轨迹, 缺 {len(wanted - told)} 条, "
                f"多 {len(told - wanted)} 条。",
                f"{len(NUMBERS)} numbers have {len(wanted)} scans; {len(wanted - told)} are missing and "
                f"{len(told - wanted)} are strange.",
            )
        ids = [one.event_id for one in first]
        if len(set(ids)) != len(ids) or sorted(ids) != sorted(one.event_id for one in second):
            raise Wrong(
                "轨迹的 event_id 有重复, 或再问一次就变了: 重复的轨迹认不出来。",
                "Ids of scans are not unique, or others when asked again: repeats can't be told.",
            )


def _asked(stand: Stand) -> list[CarrierScan]:
    """As the job does: no more numbers a call than the platform takes. The last number has no scan."""
    size = max(1, stand.made.most_tracked)
    found: list[CarrierScan] = []
    for start in range(0, len(NUMBERS), size):
        found += stand.made.track([_tracked(stand, one) for one in NUMBERS[start : start + size]])
    return found


@check(
    "subscribe", "订阅到每个单号, 重复无妨", "every number is subscribed; again does no harm",
    needs="subscribe", faces=(HasSubscriptions,), order=58,
)  # fmt: skip
def subscribe(bench: Bench) -> None:
    with bench.stand() as stand:
        asked = [_tracked(stand, number) for number in NUMBERS]
        stand.server.fail(Fault.CUT, skip=3)
        try:
            stand.made.subscribe(asked)
        except (RemoteRetry, RemoteUnknown) as error:
            stand.heard.note_error(error)
        else:
            if len(stand.server.calls) > 3:
                raise Wrong(
                    "订阅中途断线, 没有抛出错误: 没订上的单号会被当成已订。",
                    "The line was cut while subscribing and nothing was raised: numbers count as subscribed that "
                    "are not.",
                )
        stand.server.healed()
        stand.renewed()
        for _ in range(2):
            stand.made.subscribe(asked)
        missing = sorted(set(NUMBERS) - set(stand.server.subscribed()))
        if missing:
            raise Wrong(
                f"{len(NUMBERS)} 个单号里 {len(missing)} 个没有订阅, 如 {missing[0]}。",
                f"{len(missing)} of {len(NUMBERS)} numbers are not subscribed, such as {missing[0]}.",
            )
