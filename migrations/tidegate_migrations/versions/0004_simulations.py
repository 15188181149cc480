"""Simulations and the orders they found changed.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "simulation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("set_id", sa.String(length=80), nullable=False),
        sa.Column("gate", sa.String(length=20), nullable=False),
        sa.Column("draft_hash", sa.String(length=64), nullable=False),
        sa.Column("draft_text", sa.Text(), nullable=False),
        sa.Column("against", sa.String(length=12), nullable=False),
        sa.Column("against_hash", sa.String(length=64), nullable=False),
        sa.Column("against_text", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("period_from", INSTANT, nullable=True),
        sa.Column("period_to", INSTANT, nullable=True),
        sa.Column("channels", JSON, nullable=False),
        sa.Column("shops", JSON, nullable=False),
        sa.Column("sample", sa.Integer(), nullable=True),
        sa.Column("options", JSON, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("beat_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("error", JSON, nullable=True),
        sa.Column("result", JSON, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_simulation_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
    )
    op.create_index("ix_simulation_set", "simulation", ["tenant_id", "set_id", "id"])
    op.create_index(
        "ix_simulation_draft", "simulation", ["tenant_id", "set_id", "draft_hash", "state"]
    )
    op.create_table(
        "simulation_change",
        sa.Column("id", KEY, nullable=False),
        sa.Column("simulation_id", KEY, nullable=False),
        sa.Column("order_id", KEY, nullable=True),
        sa.Column("parcel_id", KEY, nullable=True),
        sa.Column("decision_id", KEY, nullable=True),
        sa.Column("row_key", sa.String(length=120), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("before", sa.String(length=80), nullable=False),
        sa.Column("after", sa.String(length=80), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("before_minor", sa.BigInteger(), nullable=True),
        sa.Column("after_minor", sa.BigInteger(), nullable=True),
        sa.Column("delta_minor", sa.BigInteger(), nullable=True),
        sa.Column("rebuilt", sa.Boolean(), nullable=False),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["simulation_id"],
            ["simulation.id"],
            name=op.f("fk_simulation_change_simulation_id_simulation"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["sales_order.id"], name=op.f("fk_simulation_change_order_id_sales_order")
        ),
        sa.ForeignKeyConstraint(
            ["parcel_id"], ["parcel.id"], name=op.f("fk_simulation_change_parcel_id_parcel")
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_simulation_change_decision_id_decision")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_simulation_change_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation_change")),
    )
    op.create_index(
        "ix_simulation_change_cell", "simulation_change", ["simulation_id", "before", "after", "id"]
    )
    op.create_index("ix_simulation_change_page", "simulation_change", ["simulation_id", "id"])
    op.create_index(
        "ix_simulation_change_cost", "simulation_change", ["simulation_id", "delta_minor"]
    )
    op.create_index("ix_simulation_change_order", "simulation_change", ["order_id"])


def downgrade() -> None:
    op.drop_table("simulation_change")
    op.drop_table("simulation")
