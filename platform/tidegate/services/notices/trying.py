"""A notice that tells of nothing: whether the group or the mailbox gets what an account sends."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from tidegate.errors import InputError
from tidegate.sdk.capabilities import SendsNotices
from tidegate.sdk.values import Notice
from tidegate.services.context import Context
from tidegate.services.notices.sending import language_of
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import connector_of

WORDS = {
    "zh": ("潮闸测试通知", "收到即可，无需处理。发送时间 {at}"),
    "en": ("Tidegate: a test notice", "Nothing needs to be done. Sent at {at}"),
}


def send_test(context: Context, code: str) -> None:
    """Send one now, by the account's own language.

    Raises:
        NotFound: no such account. InputError: it sends no notices.
        RemoteRetry, RemoteRefused, RemoteUnknown: what came of it.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
    made, _ = connector_of(context, row)
    if not isinstance(made, SendsNotices):
        raise InputError(
            "notices.none",
            zh=f"账号 {code} 不发送通知；请选择通知类的账号，如钉钉、飞书、企业微信或邮件。",
            en=f"The account {code} sends no notices; choose one that does, such as DingTalk, Feishu, WeCom or e-mail.",
            field="account",
        )
    now = context.clock()
    title, line = WORDS[language_of(row)]
    at = now.astimezone(ZoneInfo(context.timezone)).strftime("%m-%d %H:%M:%S")
    made.send_notice(Notice(f"test:{row.id}:{now.timestamp():.6f}", title, [line.format(at=at)]))
