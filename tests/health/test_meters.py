"""Figures of several processes add up; every name in the shipped alerts and dashboard is a figure we have."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tidegate.services.health.figures import FIGURES
from tidegate.telemetry.meters import meters

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAME = re.compile(r"\btidegate_[a-z_]+")
COUNTING = """
import os, sys
from pathlib import Path
from tidegate.telemetry import meters, shared
folder = Path(sys.argv[1])
shared.share_figures(folder)
pids = []
for n in range(3):
    pid = os.fork()
    if pid == 0:
        meters.meters().job_runs.labels("sweep_orders", "done").inc(n + 1)
        meters.meters().requests.labels("orders.show", "GET", "200").observe(0.02)
        os._exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
    shared.forget_process(pid)
print(shared.read_shared().decode())
print(sorted(f.name for f in folder.glob("*.db") if str(os.getpid()) not in f.name))
"""


def exposed() -> set[str]:
    """The names as Prometheus knows them: counters end in _total, histograms have three each."""
    found = {figure.name for figure in FIGURES}
    for metric in meters().registry.collect():
        if metric.type == "counter":
            found.add(f"{metric.name}_total")
        else:
            found |= {f"{metric.name}_{end}" for end in ("bucket", "count", "sum")}
    return found


def test_processes_add_up_and_those_that_ended_still_count(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k != "PROMETHEUS_MULTIPROC_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(tmp_path / "figures")],
        env=env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert 'tidegate_job_runs_total{kind="sweep_orders",outcome="done"} 6.0' in done.stdout
    count = 'tidegate_request_seconds_count{endpoint="orders.show",method="GET",status="200"} 3.0'
    assert count in done.stdout
    assert "['counter_0.db', 'histogram_0.db']" in done.stdout, "the dead leave no files"


def test_a_new_start_forgets_the_figures_of_the_last(tmp_path: Path) -> None:
    left = tmp_path / f"counter_{2**22 + 1}.db"  # no process has this number
    left.write_bytes(b"old")
    probe = (
        "import sys; from pathlib import Path; from tidegate.telemetry.shared import share_figures;"
        "share_figures(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", probe, str(tmp_path)], check=True, timeout=60)
    assert not left.exists()
    living = tmp_path / f"counter_{os.getpid()}.db"
    living.write_bytes(b"counting")
    subprocess.run([sys.executable, "-c", probe, str(tmp_path)], check=True, timeout=60)
    assert living.exists(), "somebody else still counts there"


def test_alert_rules_name_figures_that_exist() -> None:
    rules = YAML(typ="safe").load((DEPLOY / "prometheus-alerts.yml").read_text("utf-8"))
    found = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len(found) >= 10
    for rule in found:
        used = set(NAME.findall(rule["expr"]))
        assert used, rule["alert"]
        assert used <= exposed(), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        assert re.search(r"[一-鿿]", rule["annotations"]["summary_zh"])
        assert "for" in rule


def test_the_dashboard_shows_figures_that_exist_and_misses_none() -> None:
    board: dict[str, Any] = json.loads((DEPLOY / "grafana-tidegate.json").read_text("utf-8"))
    expressions = [t["expr"] for panel in board["panels"] for t in panel.get("targets", ())]
    assert len(expressions) >= 12
    used = set(NAME.findall(" ".join(expressions)))
    assert used <= exposed()
    shown = {
        name.rsplit("_", 1)[0] if name.endswith(("_bucket", "_count", "_sum")) else name
        for name in used
    }
    all_shown = {
        name.rsplit("_", 1)[0] if name.endswith(("_bucket", "_count", "_sum")) else name
        for name in exposed()
    }
    assert all_shown - shown == set()
    assert board == runpy.run_path(str(ROOT / "tools" / "grafana_board.py"))["board"]()
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
