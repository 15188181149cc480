"""The main job as a merchant does it: 300 orders from a file to one PDF, every code on it readable."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymupdf
import pytest
import zxingcpp
from PIL import Image
from sqlalchemy import func, select

from tidegate.bootstrap import connector, open_context, sandbox_secret
from tidegate.jobs.runner import drain
from tidegate.services.context import Context
from tidegate.services.demo import seed_demo
from tidegate.settings import Settings
from tidegate.store.tables import Decision, Effect, Order, Parcel, Reservation, Stock

ORDERS = 300
DPI = 203
PLACES = (
    ("浙江省", "杭州市", "余杭区", "文一西路 {} 号 3 幢 1202 室"),
    ("广东省", "深圳市", "南山区", "科技南路 {} 号 5 栋 808 室"),
    ("四川省", "成都市", "武侯区", "天府大道 {} 号 2 单元 901"),
    ("新疆维吾尔自治区", "乌鲁木齐市", "天山区", "人民路 {} 号"),
)


@pytest.fixture
def environment(
    tmp_path: Path, house: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """A shop with stock and prices, and a sandbox carrier on a real port."""
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("TIDEGATE_DATABASE_URL", raising=False)
    for name, value in house.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TIDEGATE_LANGUAGE", "en")
    settings = Settings.from_environment(None)
    sandbox = connector("sandbox").load().start_server(secret=sandbox_secret(settings))
    monkeypatch.setenv("TIDEGATE_SANDBOX_URL", sandbox.url)
    context = open_context(Settings.from_environment(None))
    seed_demo(context)
    context.store.engine.dispose()
    yield dict(os.environ)
    sandbox.stop()


def orders_file(path: Path) -> Path:
    """300 plain paid orders of one line each, as a spreadsheet shop exports them."""
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "订单编号",
                "收货人姓名",
                "联系手机",
                "省",
                "市",
                "区",
                "详细地址",
                "宝贝标题",
                "商家编码",
                "购买数量",
                "单价",
                "买家实际支付金额",
                "订单创建时间",
                "订单付款时间",
                "订单状态",
            ]
        )
        for n in range(ORDERS):
            province, city, district, street = PLACES[n % len(PLACES)]
            rows.writerow(
                [
                    f"X{n:06d}", f"测试{chr(0x4E00 + n)}", f"139{(n + 1) * 7_919_137 % 10**8:08d}",
                    province, city, district, street.format(n + 1), "竹纤维浴巾", "BA-T01-WH",
                    1, "59.00", "59.00", f"{today} 00:{n % 60:02d}:00", f"{today} 00:{n % 60:02d}:30",
                    "买家已付款，等待卖家发货",
                ]
            )  # fmt: skip
    return path


def tidegate(environment: dict[str, str], *words: str) -> tuple[int, Any]:
    command = [sys.executable, "-m", "tidegate", *words, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def codes_of(page: pymupdf.Page) -> set[str]:
    picture = page.get_pixmap(dpi=DPI, colorspace=pymupdf.csGRAY)
    image = Image.frombytes("L", (picture.width, picture.height), picture.samples)
    return {found.text for found in zxingcpp.read_barcodes(image)}


def test_orders_go_from_a_file_to_one_pdf(environment: dict[str, str], tmp_path: Path) -> None:
    code, report = tidegate(
        environment,
        "orders",
        "import",
        str(orders_file(tmp_path / "o.csv")),
        "--mapping",
        "generic",
    )
    assert (code, report["read"], report["accepted"], report["created"]) == (0, 300, 300, 300)

    context = open_context(Settings.from_environment(None))
    assert drain(context) >= ORDERS
    waiting = states(context)
    assert waiting == {"waybill": ORDERS}, waiting

    pdf = tmp_path / "labels.pdf"
    code, batch = tidegate(environment, "labels", "print", "--out", str(pdf))
    assert (code, batch["printed"], batch["problems"]) == (0, ORDERS, [])
    numbers = waybills(context)
    assert len(numbers) == ORDERS
    with pymupdf.open(pdf) as document:
        assert len(document) == ORDERS
        decoded = [codes_of(page) for page in document]
    assert all(len(found) == 1 for found in decoded), "Code 128 and QR say the same number"
    assert set().union(*decoded) == numbers

    assert every_order_is_explained(context)
    assert stock_adds_up(context)

    again = tidegate(environment, "labels", "print")
    assert again[0] == 1, "nothing waits any more"
    assert drain(context) == 0 or states(context) == {"printed": ORDERS}
    assert states(context) == {"printed": ORDERS}


def states(context: Context) -> dict[str, int]:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        rows = work.session.execute(select(Order.state, func.count()).group_by(Order.state))
        return {state: count for state, count in rows}


def waybills(context: Context) -> set[str]:
    """The numbers on our parcels, each from one confirmed effect."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        effects = work.session.scalars(select(Effect.state)).all()
        assert effects == ["confirmed"] * ORDERS
        return {str(number) for number in work.session.scalars(select(Parcel.waybill_no))}


def every_order_is_explained(context: Context) -> bool:
    """Four gates decided each order, and each decision keeps its facts and its rules' results."""
    with context.store.begin(context.tenant_id, readonly=True) as work:
        counts = work.session.execute(
            select(Decision.gate, func.count(Decision.order_id.distinct())).group_by(Decision.gate)
        )
        by_gate = {gate: count for gate, count in counts}
        one = work.session.scalars(select(Decision).where(Decision.gate == "review").limit(1)).one()
        said = one.document
    assert {gate: by_gate[gate] for gate in ("intake", "review", "inventory", "routing")} == {
        "intake": ORDERS, "review": ORDERS, "inventory": ORDERS, "routing": ORDERS,
    }  # fmt: skip
    assert one.facts["payment"]["status"] == "paid"
    assert one.result["hash"] == one.ruleset_hash
    assert said["fired"] == [rule["id"] for rule in said["rules"] if rule["result"] == "fired"]
    return bool(said["fired"])


def stock_adds_up(context: Context) -> bool:
    with context.store.begin(context.tenant_id, readonly=True) as work:
        reserved = work.session.scalar(select(func.sum(Stock.reserved)))
        held = work.session.scalar(
            select(func.sum(Reservation.quantity)).where(Reservation.state == "active")
        )
    assert held == ORDERS
    return bool(reserved == held)
