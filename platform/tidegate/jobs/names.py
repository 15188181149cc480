"""What each job name does. A job is at-least-once: every function here may run twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidegate.services import (
    alerts,
    carrier_labels,
    chain,
    quoting,
    shipping,
    tracking,
    voiding,
    write_back,
)
from tidegate.services.backups import reconciling
from tidegate.services.connection_alerts import watch_connections
from tidegate.services.context import Context
from tidegate.services.hooks import working
from tidegate.services.job_pruning import prune_jobs
from tidegate.services.notices import sending
from tidegate.services.pruning import prune_personal
from tidegate.services.sheets import bringing, trials
from tidegate.services.sweeping import sweep
from tidegate.services.syncing import order_runs
from tidegate.services.syncing import working as syncing
from tidegate.services.webhooks import delivering, spreading, tending
from tidegate.services.workshop import hit_counting, simulation_run

Function = Callable[[Context, Mapping[str, Any]], object]


def _advance(context: Context, args: Mapping[str, Any]) -> None:
    chain.decide_many(context, [int(args["order_id"])], str(args.get("trigger", "advance")))


def _request(context: Context, many: Sequence[Mapping[str, Any]]) -> None:
    wanted = {int(args["parcel_id"]): int(args["order_id"]) for args in many}
    shipping.request_waybills(context, dict.fromkeys(wanted.values()), only=wanted)
    alerts.watch(context, wanted, "waybill")


FUNCTIONS: Mapping[str, Function] = {
    "advance_order": _advance,
    "alert_wakeup": lambda context, args: alerts.watch(context, [int(args["parcel_id"])], "time"),
    "try_sheet": lambda context, args: trials.run(
        context, int(args["file_id"]), str(args["run"]), args["allowed"]
    ),
    "bring_sheet": lambda context, args: bringing.run(context, int(args["file_id"])),
    "count_rule_hits": lambda context, _args: hit_counting.fold(context),
    "deliver_webhooks": lambda context, args: delivering.deliver(context, args["ids"]),
    "prune_jobs": lambda context, _args: prune_jobs(context),
    "ask_quotes": lambda context, args: quoting.ask(
        context, str(args["account"]), int(args["parcel_id"])
    ),
    "fetch_label": lambda context, args: carrier_labels.fetch(context, int(args["parcel_id"])),
    "fetch_order": lambda context, args: order_runs.fetch(context, [args]),
    "prune_personal": lambda context, _args: prune_personal(context),
    "pull_scans": lambda context, _args: tracking.spread_scans(context),
    "pull_scans_of": lambda context, args: tracking.pull_scans_of(context, str(args["carrier"])),
    "sync_account": lambda context, args: syncing.run(
        context, int(args["account_id"]), str(args["task"]), str(args.get("began_by", ""))
    ),
    "sync_accounts": lambda context, _args: syncing.spread(context),
    "request_waybill": lambda context, args: _request(context, [args]),
    "reconcile_restore": lambda context, _args: reconciling.reconcile(context),
    "send_notice": lambda context, args: sending.send(
        context, int(args["account_id"]), args["alert_ids"]
    ),
    "simulate": lambda context, args: simulation_run.run(context, int(args["simulation_id"])),
    "spread_webhooks": lambda context, _args: spreading.spread(context),
    "tend_webhooks": lambda context, _args: tending.tend(context),
    "sweep_orders": lambda context, _args: sweep(context),
    "watch_connections": lambda context, _args: watch_connections(context),
    "watch_parcels": lambda context, args: alerts.watch(
        context, args["parcel_ids"], str(args["trigger"])
    ),
    "write_back": lambda context, args: write_back.write_back(context, [int(args["parcel_id"])]),
    "work_hook_messages": lambda context, args: working.work_messages(context, args["ids"]),
    "void_waybill": lambda context, args: voiding.void_waybill(context, int(args["effect_id"])),
}
BATCHES: Mapping[str, Callable[[Context, list[Mapping[str, Any]]], object]] = {
    "request_waybill": _request,
    "advance_order": lambda context, many: chain.decide_many(
        context, [int(args["order_id"]) for args in many]
    ),
    "alert_wakeup": lambda context, many: alerts.watch(
        context, [int(args["parcel_id"]) for args in many], "time"
    ),
    "watch_parcels": lambda context, many: alerts.watch(
        context, [id_ for args in many for id_ in args["parcel_ids"]], str(many[-1]["trigger"])
    ),
    "deliver_webhooks": lambda context, many: delivering.deliver(
        context, [id_ for args in many for id_ in args["ids"]]
    ),
    "fetch_order": order_runs.fetch,
    "spread_webhooks": lambda context, _many: spreading.spread(context),
    "write_back": lambda context, many: write_back.write_back(
        context, [int(args["parcel_id"]) for args in many]
    ),
    "work_hook_messages": lambda context, many: working.work_messages(
        context, [id_ for args in many for id_ in args["ids"]]
    ),
}
RECURRING_S: Mapping[str, int] = {  # name: seconds between runs
    "pull_scans": 5,
    "sync_accounts": 5,
    "sweep_orders": 60,
    "watch_connections": 60,
    "count_rule_hits": 300,
    "tend_webhooks": 120,
    "prune_jobs": 600,
    "prune_personal": 3600,
}
DAILY: Mapping[str, str] = {}  # name: HH:MM of the shop's clock
