"""`tidegate backup` and `tidegate restore`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tidegate.bootstrap import upgrade_database, utc_now
from tidegate.cli.language import text
from tidegate.cli.opening import opened
from tidegate.services.backups.marking import mark_restored
from tidegate.services.backups.restoring import put_back
from tidegate.services.backups.taking import take_backup
from tidegate.settings import Settings
from tidegate.store.unit_of_work import Store, open_engine


@click.command(
    help=text(
        "把数据库和数据目录备份成一个文件, 不用停机。",
        "Back up database and data folder into one file while everything runs.",
    )
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def backup(file: Path, as_json: bool) -> None:
    """Write FILE and say what is in it."""
    taken = take_backup(opened(), file)
    manifest = taken.manifest
    if as_json:
        told = json.loads(manifest.as_json()) | {"file": str(file), "bytes": taken.bytes}
        click.echo(json.dumps(told))
        return
    size = f"{taken.bytes / 1e6:.1f} MB"
    click.echo(
        text(
            f"已备份到 {file}: {manifest.orders} 个订单, {size}, 已校验。文件含个人信息和密钥, 请妥善保管。",
            f"Backed up to {file}: {manifest.orders} orders, {size}, checked. It holds personal data and keys.",
        )
    )


@click.command(
    help=text(
        "把备份恢复到空的环境; 启动后先与快递核对, 再继续发货。",
        "Restore a backup onto an empty machine; carriers are asked before anything is sent again.",
    )
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def restore(file: Path, as_json: bool) -> None:
    """Fill the configured database and data folder from FILE."""
    settings = Settings.from_environment()
    engine = open_engine(settings.database_url)
    try:
        manifest = put_back(file, engine, settings.data_dir)
        upgrade_database(settings)
        mark_restored(Store(engine), manifest.taken_at, utc_now())
    finally:
        engine.dispose()
    taken_at = manifest.taken_at.isoformat(timespec="seconds")
    if as_json:
        told = {"orders": manifest.orders, "taken_at": taken_at, "revision": manifest.revision}
        click.echo(json.dumps(told | {"reconciling": True}))
        return
    click.echo(
        text(
            f"已恢复 {taken_at} 的备份, {manifest.orders} 个订单。启动后先与快递核对, 再自动继续。",
            f"Restored the backup of {taken_at}, {manifest.orders} orders. Once started it asks the carriers first.",
        )
    )
