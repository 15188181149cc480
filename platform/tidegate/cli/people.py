"""`tidegate people`: accounts from the terminal, for the first run, lost passwords and scripts."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.services.accounts import invitations, people
from tidegate.services.accounts.roles import ROLES
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts

ACTOR = "cli"
JSON = click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
TENANT = click.option(
    "--tenant",
    default="",
    help=text("商家代号, 不写为第一个。", "Merchant's code; default: the first."),
)
ROLE = click.option(
    "--role",
    type=click.Choice(list(ROLES)),
    required=True,
    help=text("角色。", "Role."),
)
SHOP = click.option(
    "--shop", "shops", type=int, multiple=True,
    help=text("只负责这个店铺编号, 可多次。", "Only this shop id; may be repeated."),
)  # fmt: skip


@click.group(
    "people",
    help=text("成员账户: 添加、邀请、重设密码。", "People: add, invite, reset a password."),
)
def people_commands() -> None:
    """Group of account commands."""


@people_commands.command(
    "list", help=text("列出成员、角色和店铺范围。", "List people with role and shops.")
)
@TENANT
@JSON
def list_(tenant: str, as_json: bool) -> None:
    """One line per member."""
    rows: list[dict[str, Any]] = [
        {
            "login": one.login, "name": one.name, "role": one.role.id,
            "shops": None if one.shops is None else sorted(one.shops),
            "seen_at": one.seen_at.isoformat() if one.seen_at else None,
        }
        for one in people.members(_context(tenant))
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        scope = text("全部店铺", "every shop") if row["shops"] is None else f"shops {row['shops']}"
        click.echo(
            f"{row['login']}  {row['name']}  {ROLES[row['role']].title[language()]}  {scope}"
        )
    if not rows:
        click.echo(text("还没有成员; 打开 /setup。", "Nobody yet; open /setup."))


@people_commands.command(
    help=text(
        "添加成员; 密码从提示输入, 或用管道给标准输入。",
        "Add a person; the password is asked for, or read from a pipe.",
    )
)
@click.argument("login")
@click.option("--name", default="", help=text("姓名, 不写用登录名。", "Name; default: the login."))
@ROLE
@SHOP
@TENANT
@JSON
def add(
    login: str, name: str, role: str, shops: tuple[int, ...], tenant: str, as_json: bool
) -> None:
    """Make the account."""
    context = _context(tenant)
    people.add(context, login, name or login, _password(), role, ACTOR, shops or None)
    _said(
        as_json, {"login": login.lower(), "role": role},
        text(f"已添加 {login}。", f"Added {login}."),
    )  # fmt: skip


@people_commands.command(
    "reset-password",
    help=text(
        "重设密码并退出其所有设备。", "Set a new password and sign the person out everywhere."
    ),
)
@click.argument("login")
@JSON
def reset_password(login: str, as_json: bool) -> None:
    """Ask for the new password."""
    people.reset_password(_context(""), login, _password(), ACTOR)
    _said(
        as_json, {"login": login.lower(), "reset": True},
        text(f"已重设 {login} 的密码。", f"The password of {login} is set."),
    )  # fmt: skip


@people_commands.command(
    help=text("生成一次性邀请链接(7 天)。", "Make an invitation link: once, within 7 days.")
)
@ROLE
@SHOP
@click.option("--for", "note", default="", help=text("给谁, 备注。", "For whom; a note."))
@click.option(
    "--base", default="http://127.0.0.1:8000", help=text("网站地址。", "Address of the pages.")
)
@TENANT
@JSON
def invite(
    role: str, shops: tuple[int, ...], note: str, base: str, tenant: str, as_json: bool
) -> None:
    """Print the link; it can't be looked up later."""
    secret = invitations.invite(_context(tenant), role, shops or None, note, ACTOR)
    link = f"{base.rstrip('/')}/join/{secret}"
    _said(as_json, {"link": link, "role": role}, link)


def _context(tenant: str) -> Context:
    contexts = Contexts(opened())
    return contexts.by_code(tenant) if tenant else contexts.first


def _password() -> str:
    """Typed unseen twice, or one line from a pipe; never an argument, which others could see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(
        click.prompt(
            text("新密码", "New password"), hide_input=True,
            confirmation_prompt=text("再输一次", "Again"),
        )
    )  # fmt: skip


def _said(as_json: bool, document: dict[str, Any], sentence: str) -> None:
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else sentence)
