"""Roles and permissions as data. Pages and the API ask `Principal.may`; what needs what is the guard's table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.errors import InputError

Words = Mapping[str, str]

PERMISSIONS: Mapping[str, Words] = {
    "board.see": {"zh": "看看板", "en": "See the board"},
    "orders.see": {"zh": "查订单（收件人打码）", "en": "See orders, recipients masked"},
    "orders.reveal": {
        "zh": "查看完整收件人（记录在案）",
        "en": "See a recipient in clear (logged)",
    },
    "orders.act": {"zh": "改订单、取消、改快递", "en": "Edit, cancel, change carrier"},
    "orders.bring": {"zh": "收单（接口、表格）", "en": "Bring orders in by API or spreadsheet"},
    "review.decide": {"zh": "审核放行、拒绝", "en": "Release and reject held orders"},
    "labels.see": {"zh": "看待打单", "en": "See what waits for labels"},
    "labels.print": {"zh": "打单、交接、下载面单", "en": "Print, hand over, download labels"},
    "alerts.see": {"zh": "看异常件", "en": "See alerts"},
    "alerts.act": {"zh": "处理异常件", "en": "Work on alerts"},
    "stock.see": {"zh": "看库存", "en": "See stock"},
    "stock.adjust": {"zh": "改库存", "en": "Adjust stock"},
    "rules.see": {"zh": "看规则与历史", "en": "See rules and their history"},
    "rules.try": {"zh": "试算、跑测试、体检", "en": "Try, test and check rules"},
    "rules.edit": {"zh": "改规则草稿", "en": "Edit rule drafts"},
    "rules.simulate": {"zh": "用历史订单模拟", "en": "Simulate on past orders"},
    "rules.publish": {"zh": "审批、发布、回滚规则", "en": "Approve, publish and roll back rules"},
    "connections.see": {"zh": "看连接", "en": "See connections"},
    "jobs.act": {"zh": "重试、放弃后台任务", "en": "Retry and drop background jobs"},
    "connections.manage": {
        "zh": "管理接口账号、恢复或停止呼叫",
        "en": "Manage connections, stop and restart calls",
    },
    "analysis.see": {"zh": "看分析", "en": "See the analysis"},
    "tokens.manage": {"zh": "管理接口令牌", "en": "Manage API tokens"},
    "webhooks.manage": {"zh": "管理推送", "en": "Manage webhooks"},
    "people.manage": {"zh": "管理成员、角色、范围", "en": "Manage people, roles and scopes"},
}
# What concerns the whole tenant is closed to somebody of some shops only, whatever the role.
WHOLE_TENANT = frozenset(
    {
        "stock.adjust", "rules.try", "rules.edit", "rules.simulate", "rules.publish",
        "connections.see", "connections.manage", "jobs.act", "tokens.manage", "webhooks.manage",
        "people.manage",
    }
)  # fmt: skip
OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    title: Words
    text: Words  # for whom it is
    permissions: frozenset[str]


_SEE = {"board.see", "orders.see", "labels.see", "alerts.see", "stock.see", "rules.see"}
_DESK = {"orders.act", "review.decide", "alerts.act"}


def _role(id_: str, zh: str, en: str, text_zh: str, text_en: str, *may: set[str]) -> Role:
    return Role(id_, {"zh": zh, "en": en}, {"zh": text_zh, "en": text_en}, frozenset().union(*may))


ROLES: Mapping[str, Role] = {
    role.id: role
    for role in (
        _role(
            OWNER, "负责人", "Owner",
            "什么都能做，包括管理成员。", "Everything, people included.",
            set(PERMISSIONS),
        ),
        _role(
            "manager", "运营主管", "Operations manager",
            "日常全部工作，以及规则的修改和发布。", "All daily work, and changing and publishing rules.",
            set(PERMISSIONS) - {"people.manage"},
        ),
        _role(
            "operator", "仓库操作员", "Warehouse operator",
            "审核、打单、异常件、库存。", "Review, labels, alerts and stock.",
            _SEE, _DESK, {"labels.print", "stock.adjust"},
        ),
        _role(
            "service", "客服", "Customer service",
            "查订单、查看收件人、改地址、取消、跟异常件。",
            "Look up orders and recipients, correct addresses, cancel, follow alerts.",
            _SEE, _DESK, {"orders.reveal"},
        ),
        _role(
            "integrator", "对接人员", "Integrator",
            "连接、后台任务、接口令牌、接口和表格收单、同步库存、推送、规则试算。",
            "Connections, background jobs, API tokens, orders and stock by API or file, webhooks, trying rules.",
            _SEE,
            {
                "orders.bring", "rules.try", "connections.see", "analysis.see", "tokens.manage",
                "webhooks.manage", "jobs.act", "stock.adjust",
            },
        ),
        _role(
            "reader", "只读", "Read-only",
            "只看不改，收件人打码。", "Looks, changes nothing, recipients masked.",
            _SEE, {"rules.try", "connections.see", "analysis.see"},
        ),
    )
}  # fmt: skip


def role_of(id_: str) -> Role:
    """The role with this id.

    Raises:
        InputError: there is none; `fields["field"]` is `role`.
    """
    if id_ in ROLES:
        return ROLES[id_]
    raise InputError(
        "people.role_unknown",
        zh=f"没有角色 {id_ or '（空）'}；请从列表中选一个。",
        en=f"There is no role {id_!r}; choose one from the list.",
        field="role",
    )


def permissions_of(role: str, shops: frozenset[int] | None) -> frozenset[str]:
    """What a role may do with this scope; an unknown role may nothing."""
    found = ROLES[role].permissions if role in ROLES else frozenset[str]()
    return found if shops is None else found - WHOLE_TENANT
