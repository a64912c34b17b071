"""A worker that was only cut off is not a dead one; a sweep says when to sweep next, and whom it took for dead."""

from services.migrations.scripts import run_scripts

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_scripts("outages/beat.sql", "outages/loss.sql", "outages/finish.sql", "outages/sweep.sql")
