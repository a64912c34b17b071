"""Limits of one person that differ from everybody's, and what was refused."""

from services.migrations.scripts import run_scripts

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_scripts("limits/tables.sql", "limits/accept.sql")
