"""What is known of an upload before it is accepted."""

from services.migrations.scripts import run_scripts

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_scripts("sending/tables.sql")
