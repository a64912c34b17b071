"""What people change of outputs, and what jobs are asked for."""

from services.migrations.scripts import run_scripts

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_scripts("edits/tables.sql", "edits/accept.sql")
