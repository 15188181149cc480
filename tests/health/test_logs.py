"""What a log line may hold: ids and codes; nothing personal, no secret, no forged line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tidegate.errors import InputError
from tidegate.logs import configure_logs
from tidegate.logs.redaction import HIDDEN, LONGEST, is_hidden, plain_text, redact


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    kept = structlog.get_config()
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.configure(**kept)
    logging.getLogger().handlers[:] = handlers
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert found
    return found


@pytest.mark.parametrize(
    "text",
    [
        "13800002291", "+86 138 0000 2291", "138-0000-2291", "0571-88886666", "+1 415 555 2671",
        "lin@example.com", "330110199003072316", "浙江省杭州市余杭区文一西路969号3幢501室",
        "Bearer tg_0123456789abcdef", "postgresql://tide:s3cret@db/orders",
    ],
)  # fmt: skip
def test_personal_text_is_hidden_wherever_it_stands(text: str) -> None:
    said = plain_text(f"row 7: {text} is wrong")
    assert said.startswith("row 7: ")
    assert HIDDEN in said
    assert text not in said
    assert not {"2291", "969", "s3cret", "tg_0123456789abcdef"} & set(
        said.replace(":", " ").split()
    )


@pytest.mark.parametrize(
    "text",
    [
        "20261111000123456789", "SF1380013800012", "2026-11-11T01:02:03.000004Z", "330-A01-02",
        "a3f1" * 16, "T1-P12-G1", "jobs.failed", "/srv/tidegate/store/tables.py:138 commit",
    ],
)  # fmt: skip
def test_numbers_codes_and_hashes_stay(text: str) -> None:
    assert plain_text(text) == text


def test_keys_that_name_personal_things_hide_their_value() -> None:
    event = {
        "recipient_phone": "1", "收货人": "张三", "api_key": "k", "recipient_id": 7, "name": "pull_scans",
        "data": {"address": ["x"], "order_id": 5}, "count": 3, "n": 13800002291,
    }  # fmt: skip
    assert redact(None, "info", event) == {
        "recipient_phone": HIDDEN, "收货人": HIDDEN, "api_key": HIDDEN, "recipient_id": 7, "name": "pull_scans",
        "data": {"address": HIDDEN, "order_id": 5}, "count": 3, "n": HIDDEN,
    }  # fmt: skip
    assert is_hidden("Authorization")
    assert not is_hidden("order_id")


def test_a_value_cannot_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    for style in ("json", "pretty"):
        configure_logs("INFO", style)
        structlog.get_logger().info(
            "import.row", file="a.csv\n2026-11-11 [info] all is well\x1b[2J\u202e"
        )
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert not set("\x1b\u202e") & set(said.replace("\x1b[0m", ""))
        assert "all is well" in said


def test_a_long_value_is_cut() -> None:
    assert len(plain_text("x" * (LONGEST + 500))) == LONGEST + 1


def test_a_traceback_says_where_and_what_kind_not_what_it_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs()
    try:
        try:
            raise KeyError("张三 13800002291")
        except KeyError as cause:
            raise InputError("import.bad", zh="张三", en="Zhang San") from cause
    except InputError:
        structlog.get_logger().exception("import.failed", order_id=3)
    (told,) = lines(capsys)
    assert [(one["type"], one.get("code")) for one in told["exception"]] == [
        ("tidegate.errors.InputError", "import.bad"),
        ("KeyError", None),
    ]
    assert "test_logs.py" in told["exception"][0]["at"][0]
    assert not any(word in str(told) for word in ("张三", "Zhang", "13800002291"))


def test_what_libraries_log_has_our_shape_and_our_redaction(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs()
    configure_logs()  # twice must not write twice
    try:
        raise ValueError("Key (recipient_phone)=(13800002291) already exists")
    except ValueError:
        logging.getLogger("sqlalchemy.pool").exception("lost %s", "13800002291")
    logging.getLogger("chatty").info("13800002291")
    (told,) = lines(capsys)
    assert (told["event"], told["level"], told["logger"]) == (
        "lost " + HIDDEN,
        "error",
        "sqlalchemy.pool",
    )
    assert told["exception"][0]["type"] == "ValueError"
    assert "2291" not in json.dumps(told)


def test_ids_bound_to_a_context_stand_in_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    with structlog.contextvars.bound_contextvars(tenant_id=1, job_id=9, order_id=4):
        structlog.get_logger().info("waybill.not_yet")
    structlog.get_logger().info("after")
    inside, after = lines(capsys)
    assert (inside["tenant_id"], inside["job_id"], inside["order_id"]) == (1, 9, 4)
    assert "job_id" not in after
