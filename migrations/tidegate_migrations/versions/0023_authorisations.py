"""A shop's owner agrees on the platform's page: who was sent there, and until when it holds.

Revision ID: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account_grant",
        sa.Column("id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("redirect_uri", sa.String(length=300), nullable=False),
        sa.Column("started_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["connector_account.id"],
            name=op.f("fk_account_grant_account_id_connector_account"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_account_grant_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_grant")),
        sa.UniqueConstraint("state", name=op.f("uq_account_grant_state")),
    )
    op.create_index("ix_account_grant_old", "account_grant", ["expires_at"])
    op.add_column("account_token", sa.Column("authorised_until", INSTANT, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("account_token") as table:
        table.drop_column("authorised_until")
    op.drop_table("account_grant")
