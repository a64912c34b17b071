"""What people change of outputs, what jobs are asked for, and that a retry undoes nothing newer."""

from services.migrations.scripts import run_scripts

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_scripts(*(f"edits/{part}.sql" for part in ("tables", "accept", "standing", "retry")))
