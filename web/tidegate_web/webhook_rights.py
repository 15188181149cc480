"""Who may let personal data go out by webhook: only who may see it."""

from __future__ import annotations

from tidegate.errors import InputError
from tidegate_web import desk


def checked_personal(wanted: bool) -> bool:
    """The right as it was asked for.

    Raises:
        InputError: whoever asks may not see recipients either.
    """
    if wanted and not desk.may("orders.reveal"):
        raise InputError(
            "webhooks.personal",
            zh="只有能查看完整收件人的人才能让推送带收件人；请找负责人或运营主管。",
            en="Only somebody who may see recipients in clear can send them out; ask an owner or a manager.",
            field="personal",
        )
    return wanted
