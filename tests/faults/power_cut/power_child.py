"""The program whose power is cut: brings orders in by the API from four threads, and says when each was answered 2xx."""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidegate.bootstrap import open_context
from tidegate.services.accounts import founding, tokens
from tidegate.services.accounts.principals import local_principal
from tidegate.settings import Settings
from tidegate_web.app import create_app

THREADS = 4


def order(number: str) -> dict[str, Any]:
    return {
        "order": {
            "number": number, "channel": "erp", "shop": "北岸器物", "total": "129.00 CNY",
            "goods_total": "129.00 CNY", "source_status": "to_ship",
            "ordered_at": "2026-11-17T20:00:00+08:00", "paid_at": "2026-11-17T20:01:00+08:00",
        },
        "payment": {"status": "paid", "method": "online", "paid_total": "129.00 CNY"},
        "recipient": {
            "name": "张三", "phone": "13800002291", "province": "浙江省", "city": "杭州市",
            "district": "余杭区", "address": "文一西路 969 号",
        },
        "items": [{"sku": "KETTLE", "title": "手冲壶", "quantity": 1, "line_total": "129.00 CNY"}],
    }  # fmt: skip


def main(folder: Path, orders: int) -> None:
    settings = replace(
        Settings.from_environment(None), data_dir=folder,
        database_url=f"sqlite:///{folder / 'tidegate.db'}",
    )  # fmt: skip
    context = open_context(settings, carriers={})
    founding.create_owner(context, "o@example.com", "Lin", "潮水退去 才知道 2026", "test")
    secret = tokens.create(context, local_principal(1), "erp", "integrator", 90, None)
    app = create_app(context, secret_key="k" * 32, testing=True)
    headers = {"Authorization": f"Bearer {secret}"}
    lock = threading.Lock()

    def bring(mine: int) -> None:
        for number in range(mine, orders, THREADS):
            client = app.test_client(use_cookies=False)
            answer = client.post(
                "/api/v1/orders", data=json.dumps(order(f"P{number}")),
                content_type="application/json", headers=headers,
            )  # fmt: skip
            said = (time.monotonic_ns(), f"P{number}", answer.status_code)
            with lock:
                print(*said, flush=True)

    threads = [threading.Thread(target=bring, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.flush()
    time.sleep(60)  # until the power goes


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
