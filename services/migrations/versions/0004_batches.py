"""Verbs that cost little for one stage and less for hundreds at once."""

from services.migrations.scripts import run_scripts

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_scripts("batches/states.sql", "batches/guards.sql")
