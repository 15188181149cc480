"""Webhooks in and out.

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "hook_address",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connector", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("old_token_hash", sa.String(length=64), nullable=True),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("old_until", INSTANT, nullable=True),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refused_at", INSTANT, nullable=True),
        sa.Column("refused_code", sa.String(length=40), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_hook_address_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_address")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_hook_address_token_hash")),
    )
    op.create_index("ix_hook_address_old_token", "hook_address", ["old_token_hash"])
    op.create_index("ix_hook_address_tenant", "hook_address", ["tenant_id", "removed_at"])
    op.create_table(
        "hook_message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("address_id", KEY, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("event_id", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("happened_at", INSTANT, nullable=True),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("error", sa.String(length=80), nullable=True),
        sa.Column("worked_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["address_id"],
            ["hook_address.id"],
            name=op.f("fk_hook_message_address_id_hook_address"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_hook_message_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_message")),
        sa.UniqueConstraint(
            "tenant_id",
            "source",
            "event_id",
            name=op.f("uq_hook_message_tenant_id_source_event_id"),
        ),
    )
    op.create_index("ix_hook_message_address", "hook_message", ["address_id", "received_at"])
    op.create_index("ix_hook_message_state", "hook_message", ["tenant_id", "state", "due_at"])
    op.create_index("ix_hook_message_subject", "hook_message", ["tenant_id", "subject"])
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("events", JSON, nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=True),
        sa.Column("secrets", sa.Text(), nullable=False),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("delivered_at", INSTANT, nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_webhook_endpoint_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_index("ix_webhook_endpoint_state", "webhook_endpoint", ["tenant_id", "state"])
    op.create_table(
        "webhook_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("parcel_id", KEY, nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("spread_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_webhook_event_order_id_sales_order")
        ),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_webhook_event_parcel_id_parcel")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_webhook_event_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_event")),
        sa.UniqueConstraint("public_id", name=op.f("uq_webhook_event_public_id")),
        sa.UniqueConstraint(
            "tenant_id",
            "order_id",
            "sequence",
            name=op.f("uq_webhook_event_tenant_id_order_id_sequence"),
        ),
    )
    op.create_index("ix_webhook_event_spread", "webhook_event", ["tenant_id", "spread_at"])
    op.create_table(
        "webhook_delivery",
        sa.Column("id", KEY, nullable=False),
        sa.Column("endpoint_id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoint.id"],
            name=op.f("fk_webhook_delivery_endpoint_id_webhook_endpoint"),
        ),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["webhook_event.id"],
            name=op.f("fk_webhook_delivery_event_id_webhook_event"),
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_webhook_delivery_order_id_sales_order")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_webhook_delivery_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name=op.f("uq_webhook_delivery_endpoint_id_event_id")
        ),
    )
    op.create_index(
        "ix_webhook_delivery_state", "webhook_delivery", ["tenant_id", "state", "due_at"]
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("id", KEY, nullable=False),
        sa.Column("delivery_id", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=40), nullable=True),
        sa.Column("answer", sa.String(length=300), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_delivery.id"],
            name=op.f("fk_webhook_attempt_delivery_id_webhook_delivery"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_webhook_attempt_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempt")),
    )
    op.create_index("ix_webhook_attempt_delivery", "webhook_attempt", ["delivery_id", "id"])


def downgrade() -> None:
    for table in (
        "webhook_attempt",
        "webhook_delivery",
        "webhook_event",
        "webhook_endpoint",
        "hook_message",
        "hook_address",
    ):
        op.drop_table(table)
