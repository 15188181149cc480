"""`tidegate accounts`: accounts at platforms and carriers. Secrets are asked for or piped, never arguments."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from tidegate.bootstrap import new_secret_key
from tidegate.cli.accounts_sync import COMMANDS
from tidegate.cli.language import language, text
from tidegate.cli.opening import opened
from tidegate.errors import InputError
from tidegate.sdk.discovery import manifest_of
from tidegate.sdk.manifest import Manifest
from tidegate.services.context import Context
from tidegate.services.contexts import Contexts
from tidegate.services.notices import trying
from tidegate.services.remotes import accounts as book
from tidegate.services.remotes import checking
from tidegate.services.remotes.accounts import AccountView
from tidegate.settings import Settings

ACTOR = "cli"
JSON = click.option("--json", "as_json", is_flag=True, help=text("输出 JSON。", "Print JSON."))
TENANT = click.option(
    "--tenant", default="",
    help=text("商家代号, 不写为第一个。", "Merchant's code; default: the first."),
)  # fmt: skip
SET = click.option(
    "--set", "pairs", multiple=True, metavar="NAME=VALUE",
    help=text("设置项, 可多次; 密钥不能写在这里。", "A setting, may be repeated; never a secret."),
)  # fmt: skip
REASON = click.option("--reason", required=True, help=text("原因。", "Why."))


@click.group(
    "accounts",
    help=text("平台和快递账号: 添加、修改、暂停、检查。", "Accounts at platforms and carriers."),
)
def accounts() -> None:
    """Group of account commands."""


@accounts.command("list", help=text("列出账号。", "List accounts."))
@TENANT
@JSON
def list_(tenant: str, as_json: bool) -> None:
    """One line each; secrets by name only."""
    found = book.accounts(_context(tenant))
    if as_json:
        click.echo(json.dumps([_document(one) for one in found], ensure_ascii=False, indent=1))
        return
    for one in found:
        state = f"{one.state} ({one.reason})" if one.reason else one.state
        click.echo(f"{one.code}  {one.connector}  {one.title}  {state}")
    if not found:
        click.echo(text("还没有账号。", "There are no accounts yet."))


@accounts.command(
    help=text(
        "添加账号; 密钥从提示输入, 或用管道给标准输入(每行 名称=值)。",
        "Add an account; secrets are asked for, or read from a pipe as lines NAME=VALUE.",
    )
)
@click.argument("connector")
@click.option(
    "--code", default="", help=text("代号, 不写同连接器名。", "Code; default: the connector.")
)
@click.option("--title", default="", help=text("名称。", "Title."))
@click.option("--shop", "shop_id", type=int, default=None, help=text("店铺编号。", "Shop id."))
@SET
@TENANT
@JSON
def add(
    connector: str, code: str, title: str, shop_id: int | None, pairs: tuple[str, ...],
    tenant: str, as_json: bool,
) -> None:  # fmt: skip
    """Make the account."""
    made = book.add(
        _context(tenant), connector, ACTOR, code=code, title=title, shop_id=shop_id,
        settings=_pairs(pairs), secrets=_secrets(manifest_of(connector), ()),
    )  # fmt: skip
    _said(
        as_json, _document(made), text(f"已添加账号 {made.code}。", f"Added account {made.code}.")
    )


@accounts.command(
    "set",
    help=text(
        "修改设置; --secret 指定要换的密钥, 值从提示或管道输入。",
        "Change settings; --secret names a secret to replace, its value is asked for or read from a pipe.",
    ),
)
@click.argument("code")
@click.option("--title", default=None, help=text("名称。", "Title."))
@click.option("--secret", "names", multiple=True, help=text("要换的密钥名。", "Secret to replace."))
@SET
@TENANT
@JSON
def set_(
    code: str, title: str | None, names: tuple[str, ...], pairs: tuple[str, ...], tenant: str,
    as_json: bool,
) -> None:  # fmt: skip
    """Change what is given, keep the rest."""
    context = _context(tenant)
    manifest = manifest_of(book.account(context, code).connector)
    secrets = _secrets(manifest, names) if names else {}
    made = book.change(context, code, ACTOR, title=title, settings=_pairs(pairs), secrets=secrets)
    _said(as_json, _document(made), text(f"已修改账号 {code}。", f"Changed account {code}."))


@accounts.command(help=text("暂停: 不再呼叫, 包裹等待。", "Pause: no calls, parcels wait."))
@click.argument("code")
@REASON
@TENANT
@JSON
def pause(code: str, reason: str, tenant: str, as_json: bool) -> None:
    """Stop calls."""
    book.pause(_context(tenant), code, ACTOR, reason)
    _said(as_json, {"code": code, "state": "paused"}, text(f"已暂停 {code}。", f"Paused {code}."))


@accounts.command(help=text("恢复暂停的账号。", "Resume a paused account."))
@click.argument("code")
@TENANT
@JSON
def resume(code: str, tenant: str, as_json: bool) -> None:
    """Let calls through again."""
    book.resume(_context(tenant), code, ACTOR)
    _said(as_json, {"code": code, "state": "active"}, text(f"已恢复 {code}。", f"Resumed {code}."))


@accounts.command(
    help=text("删除账号和它的密钥、令牌、调用记录。", "Remove it with secrets and records.")
)
@click.argument("code")
@TENANT
@JSON
def remove(code: str, tenant: str, as_json: bool) -> None:
    """Remove for good."""
    book.remove(_context(tenant), code, ACTOR)
    _said(as_json, {"code": code, "state": "removed"}, text(f"已删除 {code}。", f"Removed {code}."))


@accounts.command(help=text("用账号的密钥做一次调用。", "Make one call with the credentials."))
@click.argument("code")
@TENANT
@JSON
def test(code: str, tenant: str, as_json: bool) -> int:
    """Exit 1 when the platform refuses or can't be reached."""
    found = checking.check(_context(tenant), code)
    if found.error is not None:
        _said(as_json, {"error": found.error.as_document(language())}, found.error.text(language()))
        return 1
    said = text(f"可用 {found.who}".strip() + "。", f"It works. {found.who}".strip())
    if not found.asked:
        said = text("这个连接器没有检查用的调用。", "This connector has no call to check with.")
    _said(as_json, {"asked": found.asked, "who": found.who}, said)
    return 0


@accounts.command(
    help=text("发送一条测试通知。", "Send a test notice."),
)
@click.argument("code")
@TENANT
@JSON
def notice(code: str, tenant: str, as_json: bool) -> None:
    """Whether it arrived is seen in the group or the mailbox."""
    trying.send_test(_context(tenant), code)
    said = text(
        f"已由 {code} 发送；请到群或邮箱里查看。",
        f"Sent by {code}; look into the group or the mailbox.",
    )
    _said(as_json, {"code": code, "sent": True}, said)


@accounts.command(
    "rotate-keys",
    help=text(
        "换加密密钥: 生成新密钥(密钥在数据目录时), 全部重新加密。",
        "Make a new encryption key (when it is kept in the data folder) and seal everything with it.",
    ),
)
@click.option("--new/--no-new", default=True, help=text("先生成新密钥。", "Make a new key first."))
@JSON
def rotate_keys(new: bool, as_json: bool) -> None:
    """Old keys stay in the file: backups were made under them."""
    settings = Settings.from_environment()
    if new and not settings.secrets_keys:
        new_secret_key(settings)
    done = sum(book.rotate_keys(context) for context in Contexts(opened()).every())
    _said(as_json, {"sealed": done}, text(f"已用新密钥加密 {done} 条。", f"Sealed {done} anew."))


def _context(tenant: str) -> Context:
    contexts = Contexts(opened())
    return contexts.by_code(tenant) if tenant else contexts.first


def _pairs(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(
                "account.pair",
                zh="--set 的写法是 名称=值。",
                en="--set takes NAME=VALUE.",
                field="set",
            )
        found[name.strip()] = value
    return found


def _secrets(manifest: Manifest, names: Sequence[str]) -> dict[str, str]:
    """The named secrets, or all of the manifest: from a pipe as lines NAME=VALUE, else typed unseen."""
    if not sys.stdin.isatty():
        return _pairs([line.rstrip("\r\n") for line in sys.stdin if line.strip()])
    wanted = names or sorted(manifest.secrets)
    return {name: _typed(manifest, name) for name in wanted}


def _typed(manifest: Manifest, name: str) -> str:
    about = manifest.settings.get(name)
    title = about.title[language()] if about else name
    return str(click.prompt(title, hide_input=True, default="", show_default=False))


def _document(one: AccountView) -> dict[str, Any]:
    return {
        "code": one.code, "connector": one.connector, "title": one.title, "shop": one.shop,
        "settings": dict(one.settings), "secrets": list(one.secrets), "state": one.state,
        "reason": one.reason, "clock_offset_s": one.clock_offset_s,
        "checked_at": one.checked_at.isoformat() if one.checked_at else None,
        "check_code": one.check_code,
    }  # fmt: skip


def _said(as_json: bool, document: dict[str, Any], sentence: str) -> None:
    click.echo(json.dumps(document, ensure_ascii=False) if as_json else sentence)


for _command in COMMANDS:
    accounts.add_command(_command)
