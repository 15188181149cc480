"""What is shipped to run Tidegate on servers: every command in it is started for real."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tidegate.services.job_kinds import QUEUES
from tidegate.settings import Settings

ROOT = Path(__file__).parents[1]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
PAGE = ROOT / "docs" / "running-scaled-out.md"
OURS = {"migrate", "web", "worker", "caller", "relay"}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


def commands() -> dict[str, list[str]]:
    """The commands of the compose file, of the units and of the page, by where they stand."""
    found = {f"compose {name}": compose()["services"][name]["command"] for name in sorted(OURS)}
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=\S+/tidegate (.+)$", unit.read_text("utf-8"), re.M)
        found[unit.name] = shlex.split(line)
    for n, line in enumerate(re.findall(r"^tidegate (.+)$", PAGE.read_text("utf-8"), re.M)):
        found[f"page {n}"] = shlex.split(line)
    return found


def test_the_compose_file_holds_together() -> None:
    found = compose()
    services = found["services"]
    assert set(services) == {*OURS, "postgres", "redis"}
    for name, service in services.items():
        needed = service.get("depends_on", {})
        assert set(needed) <= set(services), name
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in found["volumes"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), "a proxy with TLS stands in front"
    known = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines()}
    given = services["web"]["environment"]
    assert set(given) <= known
    assert {name.removeprefix("TIDEGATE_").lower() for name in given} <= set(Settings.__slots__)
    assert services["redis"]["command"][-1] == "noeviction"


def test_every_queue_has_a_worker() -> None:
    """In the compose file, in the units, and in the two workers that the page gives as an example."""
    composed = [commands()[f"compose {name}"] for name in ("worker", "caller")]
    paged = [c for name, c in commands().items() if name.startswith("page") and "--queue" in c]
    assert len(paged) >= 2
    units = [commands()[f"tidegate-{name}.service"] for name in ("worker", "caller")]
    for workers in (composed, units, paged):
        named = [word for c in workers for before, word in pairwise(c) if before == "--queue"]
        assert sorted(named) == sorted(QUEUES)


def test_units_are_what_systemd_reads(tmp_path: Path) -> None:
    assert len(UNITS) == 4
    verify = shutil.which("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text("utf-8")
        stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", text, re.M)[0])
        assert stop > 25, "jobs and requests in hand have their time"
        if verify:
            here = tmp_path / unit.name
            here.write_text(
                re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text, flags=re.M)
            )
            done = subprocess.run(
                [verify, "verify", here], capture_output=True, text=True, check=False
            )
            assert unit.name not in done.stderr, done.stderr


@pytest.mark.postgres
@pytest.mark.redis
def test_every_command_starts_and_ends_as_told(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Each different one once: upgrades end by themselves, the others say that they are ready and obey SIGTERM."""
    env = {
        **os.environ, "TIDEGATE_DATABASE_URL": postgres_url, "TIDEGATE_REDIS_URL": redis_url,
        "TIDEGATE_DATA_DIR": str(tmp_path), "TIDEGATE_PORT": "0", "TIDEGATE_HOST": "127.0.0.1",
        "TIDEGATE_LANGUAGE": "en",
    }  # fmt: skip
    every = commands()
    distinct = {tuple(words) for words in every.values()}
    assert len(every) > 9
    early = run(["worker"], env)
    assert (early.returncode, "database.revision" in early.stderr) == (2, True)
    assert run(["db", "upgrade"], env).returncode == 0
    for words in sorted(distinct - {("db", "upgrade")}):
        process = subprocess.Popen(
            [sys.executable, "-m", "tidegate", *words, "--json"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("{"), (words, process.communicate(timeout=30))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=40)
        assert process.returncode == 0, (words, errors)
        assert "Traceback" not in errors, words


def run(words: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tidegate", *words, "--json"]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=120, check=False
    )
