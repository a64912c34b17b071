"""Fairness by user at each claim, in place of a turn given to a job when it was accepted."""

from services.migrations.scripts import run_scripts

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_scripts("fairness/turns.sql", "fairness/accept.sql", "fairness/claim.sql")
