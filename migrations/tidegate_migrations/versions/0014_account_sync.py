"""Synchronisation of accounts: tasks, the log of their runs, mappings, samples, opened recipients.

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _table(
        "account_sync", "connector_account",
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=True),
        sa.Column("ok_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("running_until", INSTANT, nullable=True),
        sa.UniqueConstraint("account_id", "task", name=op.f("uq_account_sync_account_id_task")),
    )  # fmt: skip
    _table(
        "sync_run", "connector_account",
        sa.Column("task", sa.String(length=20), nullable=False),
        sa.Column("began_by", sa.String(length=80), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("window_start", INSTANT, nullable=True),
        sa.Column("window_end", INSTANT, nullable=True),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("pages", "read", "accepted", "rejected", "created", "updated")
        ),
        sa.Column("reasons", JSON, nullable=False),
        sa.Column("rows", JSON, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("behind", sa.Boolean(), nullable=False),
    )  # fmt: skip
    op.create_index("ix_sync_run_list", "sync_run", ["account_id", "id"])
    _table(
        "account_mapping", "connector_account",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("overlay", JSON, nullable=False),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint(
            "account_id", "version", name=op.f("uq_account_mapping_account_id_version")
        ),
    )  # fmt: skip
    _table(
        "account_sample", "connector_account",
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.UniqueConstraint("account_id", name=op.f("uq_account_sample_account_id")),
    )  # fmt: skip
    _table(
        "opened_recipient", "sales_order",
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=True),
        sa.UniqueConstraint("order_id", name=op.f("uq_opened_recipient_order_id")),
    )  # fmt: skip
    op.create_index("ix_opened_recipient_old", "opened_recipient", ["opened_at"])
    _table(
        "followed_parcel", "connector_account",
        sa.Column("parcel_id", KEY, nullable=False),
        sa.Column("waybill_no", sa.String(length=60), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_followed_parcel_parcel_id_parcel")
        ),
        sa.UniqueConstraint(
            "account_id", "parcel_id", name=op.f("uq_followed_parcel_account_id_parcel_id")
        ),
    )  # fmt: skip


def _table(name: str, owner: str, *parts: sa.schema.SchemaItem) -> None:
    """A table of a tenant whose rows belong to a row of `owner`."""
    column = "order_id" if owner == "sales_order" else "account_id"
    op.create_table(
        name,
        sa.Column("id", KEY, nullable=False),
        sa.Column(column, KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        *parts,
        sa.ForeignKeyConstraint(
            [column], [f"{owner}.id"], name=op.f(f"fk_{name}_{column}_{owner}")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f(f"fk_{name}_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )


def downgrade() -> None:
    for name in (
        "followed_parcel", "opened_recipient", "account_sample", "account_mapping", "sync_run",
        "account_sync",
    ):  # fmt: skip
        op.drop_table(name)
