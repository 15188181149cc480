"""Write deploy/grafana-tidegate.json: `python tools/grafana_board.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "deploy" / "grafana-tidegate.json"
WIDE, HIGH = 8, 8
# title, unit, (expression, legend) …
PANELS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Orders open · 未完成订单",
        "short",
        (("sum by (state) (tidegate_orders_open)", "{{state}}"),),
    ),
    (
        "Oldest due job · 最久未处理任务",
        "s",
        (("max by (kind) (tidegate_job_oldest_due_seconds)", "{{kind}}"),),
    ),
    (
        "Jobs due, leased, dead · 任务",
        "short",
        (("sum by (kind, state) (tidegate_jobs)", "{{kind}} {{state}}"),),
    ),
    (
        "Job runs · 任务执行",
        "ops",
        (("sum by (kind, outcome) (rate(tidegate_job_runs_total[5m]))", "{{kind}} {{outcome}}"),),
    ),
    (
        "Job time p95 · 任务耗时",
        "s",
        (
            (
                "histogram_quantile(0.95, sum by (le, kind) (rate(tidegate_job_seconds_bucket[5m])))",
                "{{kind}}",
            ),
        ),
    ),
    (
        "Request time p95 · 页面耗时",
        "s",
        (
            (
                "histogram_quantile(0.95, sum by (le, endpoint) (rate(tidegate_request_seconds_bucket[5m])))",
                "{{endpoint}}",
            ),
        ),
    ),
    (
        "Answers by status · 响应",
        "reqps",
        (("sum by (status) (rate(tidegate_request_seconds_count[5m]))", "{{status}}"),),
    ),
    (
        "Carrier calls · 快递接口调用",
        "ops",
        (
            (
                "sum by (connector, outcome) (rate(tidegate_carrier_calls_total[5m]))",
                "{{connector}} {{outcome}}",
            ),
        ),
    ),
    (
        "Carrier time p95 · 快递接口耗时",
        "s",
        (
            (
                "histogram_quantile(0.95, sum by (le, connector) (rate(tidegate_carrier_seconds_bucket[5m])))",
                "{{connector}}",
            ),
        ),
    ),
    (
        "Effects without an answer · 未明结果",
        "short",
        (
            ("sum by (kind, state) (tidegate_effects_open)", "{{kind}} {{state}}"),
            ("max(tidegate_effect_oldest_unknown_seconds)", "oldest unknown, s"),
        ),
    ),
    (
        "Decisions · 判定",
        "ops",
        (("sum by (gate, outcome) (rate(tidegate_decisions_total[5m]))", "{{gate}} {{outcome}}"),),
    ),
    (
        "Rule evaluation p99 · 规则耗时",
        "s",
        (
            (
                "histogram_quantile(0.99, sum by (le, gate) (rate(tidegate_rule_evaluation_seconds_bucket[5m])))",
                "{{gate}}",
            ),
        ),
    ),
    (
        "Fallbacks and over budget · 回退与超时",
        "ops",
        (
            ("sum(rate(tidegate_rule_fallbacks_total[5m]))", "fallbacks"),
            ("sum(rate(tidegate_rule_over_budget_total[5m]))", "over budget"),
        ),
    ),
    (
        "Rules in force · 生效规则",
        "short",
        (
            ("tidegate_rule_version_in_force", "{{gate}} {{set}} {{version}}"),
            ("sum(tidegate_rule_problems)", "problems"),
        ),
    ),
    (
        "Alerts open · 未处理告警",
        "short",
        (("sum by (severity, kind) (tidegate_alerts_open)", "{{severity}} {{kind}}"),),
    ),
    (
        "Stock not reserved · 占库存失败",
        "ops",
        (("sum(rate(tidegate_reservations_failed_total[5m]))", "orders"),),
    ),
    (
        "Inbox lag · 来源滞后",
        "s",
        (("max by (source) (tidegate_inbox_lag_seconds)", "{{source}}"),),
    ),
    (
        "WAL and database · 日志与库大小",
        "bytes",
        (("max(tidegate_wal_bytes)", "WAL"), ("max(tidegate_database_bytes)", "database")),
    ),
    ("Disk free · 磁盘剩余", "percentunit", (("min(tidegate_disk_free_ratio)", "free"),)),
    ("Version · 版本", "short", (("tidegate_build_info", "{{version}} {{database}}"),)),
)


def panel(
    number: int, title: str, unit: str, targets: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """One time series, three in a row."""
    return {
        "id": number + 1,
        "title": title,
        "type": "timeseries",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": {"x": number % 3 * WIDE, "y": number // 3 * HIGH, "w": WIDE, "h": HIGH},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + n), "expr": expression, "legendFormat": legend}
            for n, (expression, legend) in enumerate(targets)
        ],
    }


def board() -> dict[str, Any]:
    """The whole dashboard."""
    return {
        "uid": "tidegate",
        "title": "Tidegate 潮闸",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "type": "datasource",
                    "query": "prometheus",
                    "label": "Prometheus",
                }
            ]
        },
        "panels": [panel(n, *one) for n, one in enumerate(PANELS)],
    }


if __name__ == "__main__":
    PAGE.write_text(json.dumps(board(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
