"""`tidegate tenants`: the merchants of an installation."""

from __future__ import annotations

import json

import click

from tidegate.cli.language import text
from tidegate.cli.opening import opened
from tidegate.services.accounts import tenants as services
from tidegate.services.accounts.tenants import TenantInfo


@click.group(help=text("商家: 列出、添加。", "Merchants: list, add."))
def tenants() -> None:
    """Group of merchant commands."""


@tenants.command("list", help=text("列出商家。", "List merchants."))
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def list_(as_json: bool) -> None:
    """One line per merchant."""
    found = services.tenants(opened())
    if as_json:
        click.echo(json.dumps([_document(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        people = text(f"{one.people} 人", f"{one.people} people")
        click.echo(f"{one.code}  {one.name}  {one.timezone}  {one.currency}  {people}")


@tenants.command(
    help=text(
        "添加商家; 之后用 tidegate people invite --tenant 邀请成员。",
        "Add a merchant; then invite people with tidegate people invite --tenant.",
    )
)
@click.argument("code")
@click.option("--name", default="", help=text("名称, 不写用代号。", "Name; default: the code."))
@click.option("--timezone", default="Asia/Shanghai", help=text("时区。", "Time zone."))
@click.option("--currency", default="CNY", help=text("货币。", "Currency."))
@click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
def add(code: str, name: str, timezone: str, currency: str, as_json: bool) -> None:
    """Make it and say its code."""
    made = services.add_tenant(opened(), code, name, timezone, currency)
    if as_json:
        click.echo(json.dumps(_document(made), ensure_ascii=False))
        return
    click.echo(text(f"已添加商家 {made.name} ({made.code})。", f"Added {made.name} ({made.code})."))


def _document(one: TenantInfo) -> dict[str, object]:
    return {
        "id": one.id, "code": one.code, "name": one.name, "timezone": one.timezone,
        "currency": one.currency, "people": one.people,
    }  # fmt: skip
