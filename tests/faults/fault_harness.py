"""Runs the child that dies, gives each case a database of its own, and reads the books afterwards."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fault_remote import Case, FaultServer
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

CHILD = Path(__file__).parent / "fault_child.py"
NUMBERS = itertools.count(1)


class Harness:
    """One database kind and the process that is forked for every run. Close it, whatever happened."""

    def __init__(
        self, folder: Path, remote: FaultServer, postgres: str | None = None, stock: int = 10
    ) -> None:
        self.folder = folder
        self.remote = remote
        self.postgres = postgres
        self.start = (datetime.now(UTC) - timedelta(days=20)).replace(microsecond=0)
        self.stock = stock
        self.made = 0
        self.number = next(NUMBERS)
        self._name = f"faults_{os.getpid()}_{self.number}"
        environment = {**os.environ, "PYTHONPATH": ""}
        environment.pop("TIDEGATE_CRASH_AT", None)
        self._child = subprocess.Popen(
            [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip
        self._template = self._furnished()

    def close(self) -> None:
        """End the child and see that it ended by itself."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        try:
            code = self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._child.stdout.close()
        assert code == 0, "the child of the fault suite did not end by itself"

    def ask(self, what: str, database: str, case: str, kind: str, **more: Any) -> dict[str, Any]:
        """One run; `killed` is the signal that ended it."""
        asked = {
            "what": what, "database": database, "data_dir": str(self.folder), "case": case,
            "class": kind, "remote": self.remote.url, "start": self.start.isoformat(), "at": 0,
            "run": 0, "stock": self.stock, **more,
        }  # fmt: skip
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        print(json.dumps(asked), file=self._child.stdin, flush=True)
        found: dict[str, Any] = json.loads(self._child.stdout.readline())
        assert "error" not in found, found
        return found

    def database(self) -> str:
        """The furnished database, as nobody has used it. Its address stays: the child keeps compiled statements."""
        self.made += 1
        if self.postgres is None:
            for old in self.folder.glob("case.db*"):
                old.unlink()
            shutil.copy(self.folder / "template.db", self.folder / "case.db")
            return f"sqlite:///{self.folder / 'case.db'}"
        self._admin(f'DROP DATABASE IF EXISTS "{self._name}" WITH (FORCE)')
        return self._create(self._name, template=self._template)

    def _furnished(self) -> str:
        name = "template.db"
        url = f"sqlite:///{self.folder / name}"
        if self.postgres is not None:
            name = f"{self._name}_template"
            url = self._create(name)
        environment = {
            **os.environ, "TIDEGATE_DATABASE_URL": url, "TIDEGATE_DATA_DIR": str(self.folder),
        }  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "tidegate", "db", "upgrade"], env=environment, check=True,
            capture_output=True, timeout=300,
        )  # fmt: skip
        self.ask("furnish", url, "none", "A")
        if self.postgres is None:
            for extra in self.folder.glob("template.db-*"):
                assert extra.stat().st_size == 0 or extra.name.endswith("-shm"), extra
        self._template = name
        for kind in ("A", "B", "C"):
            self.ask("warm", self.database(), f"warm-{kind}", kind)
        return name

    def _create(self, name: str, template: str = "template1") -> str:
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return make_url(self.postgres or "").set(database=name).render_as_string(False)

    def _admin(self, statement: str) -> None:
        engine = create_engine(self.postgres or "", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def live_by_key(case: Case) -> dict[str, str]:
    return {row["key"]: row["number"] for row in case.live()}


def crash_and_recover(
    harness: Harness, kind: str, crashes: tuple[int, ...]
) -> tuple[dict[str, Any], Case, bool]:
    """A run for each crash, then one that nothing disturbs, and for class C the person; whether all crashes came."""
    name = f"{kind}-{harness.number}-{harness.made + 1}"  # no other harness writes into these books
    case = harness.remote.case(name)
    database = harness.database()
    came = True
    for number, at in enumerate(crashes):
        said = harness.ask("play", database, name, kind, at=at, run=number)
        came = came and bool(said["killed"])
    run = len(crashes)
    found = harness.ask("verify", database, name, kind, run=run)
    for again in range(1, 3):  # C: a person looks into the books and says what became of it
        if not wrong(found, case):
            break
        live = live_by_key(case)
        told = [row["number"] for row in case.told]
        found = harness.ask("verify", database, name, kind, run=run + again, live=live, told=told)
    return found, case, came


EXPECTED = {"N000001": "in_transit", "N000002": "cancelled", "N000003": "waybill"}


def wrong(found: dict[str, Any], case: Case) -> list[str]:
    """What the books outside and the invariants inside hold against a case; empty when all is well."""
    live, said = case.live(), []
    for order, wanted in (("N000001", 1), ("N000002", 0), ("N000003", 1)):
        numbers = [row["number"] for row in live if row["order"] == order]
        if len(numbers) != wanted:
            said.append(f"{order} has {len(numbers)} live waybills: {numbers}")
    keys = [row["key"] for row in case.made]
    if len(keys) != len(set(keys)):
        said.append(f"billed twice under one key: {sorted(keys)}")
    told = [(row["order"], row["number"]) for row in case.told]
    mine = [(row["order"], row["number"]) for row in live if row["order"] == "N000001"]
    if told != mine:
        said.append(f"the shop was told {told}, the carrier has {mine}")
    if found["states"] != EXPECTED:
        said.append(f"states {found['states']}")
    if found["broken"]:
        said.append(f"broken: {found['broken']}")
    if case.refused_signatures:
        said.append("refused signatures")
    return said
