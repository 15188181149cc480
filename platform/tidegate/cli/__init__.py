"""The `tidegate` command. Exit codes: 0 fine, 1 findings or rejections, 2 usage or unreadable input."""

from __future__ import annotations

import json
import sys

import click

from tidegate import __version__
from tidegate.cli import collector
from tidegate.cli.language import language, text
from tidegate.cli.lazy import LazyGroup
from tidegate.errors import NotFound, TidegateError

# Where each is and what it says of itself: the list of commands imports none of them.
COMMANDS = {
    "accounts": (
        "tidegate.cli.accounts:accounts",
        text(
            "平台和快递账号: 添加、修改、暂停、检查。",
            "Accounts at platforms and carriers.",
        ),
    ),
    "backup": (
        "tidegate.cli.backup:backup",
        text(
            "把数据库和数据目录备份成一个文件, 不用停机。",
            "Back up database and data folder into one file while everything runs.",
        ),
    ),
    "connectors": (
        "tidegate.cli.connectors:connectors",
        text(
            "连接器: 列出、检查、新建。",
            "Connectors: list, check, write a new one.",
        ),
    ),
    "db": (
        "tidegate.cli.db:db",
        text(
            "数据库结构。",
            "The database's structure.",
        ),
    ),
    "doctor": (
        "tidegate.cli.doctor:doctor",
        text(
            "检查设置、数据库、规则和连接。",
            "Check settings, database, rules and links.",
        ),
    ),
    "labels": (
        "tidegate.cli.labels:labels",
        text(
            "面单。",
            "Labels.",
        ),
    ),
    "orders": (
        "tidegate.cli.orders:orders",
        text(
            "订单。",
            "Orders.",
        ),
    ),
    "people": (
        "tidegate.cli.people:people_commands",
        text(
            "成员账户: 添加、邀请、重设密码。",
            "People: add, invite, reset a password.",
        ),
    ),
    "prune": (
        "tidegate.cli.prune:prune",
        text(
            "删除过期的已完成任务、影子判定和旧仿真; 订单和判定不删。",
            "Delete old done jobs, shadow decisions and simulations; orders and decisions stay.",
        ),
    ),
    "relay": (
        "tidegate.cli.relay:relay",
        text(
            "转发: 把到期任务的编号发给 worker, 并负责定时任务。可以运行多个。",
            "Send ids of due jobs to workers, and run the schedules. Any number may run.",
        ),
    ),
    "restore": (
        "tidegate.cli.backup:restore",
        text(
            "把备份恢复到空的环境; 启动后先与快递核对, 再继续发货。",
            "Restore a backup onto an empty machine; carriers are asked before anything is sent again.",
        ),
    ),
    "rules": (
        "tidegate.cli.rules:rules",
        text(
            "检查、测试、试算、查看规则。",
            "Check, test, try and read rules.",
        ),
    ),
    "run": (
        "tidegate.cli.run:run",
        text(
            "启动网页、任务和沙箱快递(单进程)。",
            "Start web, jobs and sandbox carrier.",
        ),
    ),
    "sandbox": (
        "tidegate.cli.sandbox:sandbox",
        text(
            "启动沙箱快递(模拟取号接口)。",
            "Start the sandbox carrier, a practice service.",
        ),
    ),
    "serve": (
        "tidegate.cli.serve:serve",
        text(
            "只提供网页和接口(多进程); 任务由 worker 和 relay 执行。",
            "Serve pages and the API in several processes; worker and relay do the jobs.",
        ),
    ),
    "sheets": (
        "tidegate.cli.sheets:sheets",
        text(
            "表格店铺: 导入表格、列对应、运单表。",
            "Spreadsheet shops: files, mappings, waybills.",
        ),
    ),
    "stock": (
        "tidegate.cli.stock:stock",
        text(
            "库存、商品、仓库、快递价目。",
            "Stock, products, warehouses, carrier prices.",
        ),
    ),
    "tenants": (
        "tidegate.cli.tenants:tenants",
        text(
            "商家: 列出、添加。",
            "Merchants: list, add.",
        ),
    ),
    "worker": (
        "tidegate.cli.worker:worker",
        text(
            "执行任务的进程(Celery)。可以运行多个, 也可以只负责部分队列。",
            "Processes that run jobs (Celery). Any number may run, each for all queues or some.",
        ),
    ),
}


@click.group(
    cls=LazyGroup,
    later={name: where for name, (where, _) in COMMANDS.items()},
    said={name: said for name, (_, said) in COMMANDS.items()},
    help=text("潮闸: 由规则判定的订单履约。", "Tidegate: order fulfilment decided by rules."),
)  # fmt: skip
@click.version_option(__version__, message="tidegate %(version)s")
def cli() -> None:
    """Root of the commands."""


def main() -> None:
    """Run a command; an error raised on purpose becomes one sentence, never a traceback."""
    collector.calm()
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo(text("已中断。", "Interrupted."), err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except TidegateError as error:
        _tell(error)
        sys.exit(1 if isinstance(error, NotFound) else 2)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(error: TidegateError) -> None:
    if "--json" in sys.argv:
        click.echo(json.dumps({"error": error.as_document(language())}, ensure_ascii=False))
    click.echo(f"{error.text(language())} [{error.code}]", err=True)
