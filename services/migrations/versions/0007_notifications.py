"""Messages to users."""

from services.migrations.scripts import run_scripts

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_scripts("notifications/tables.sql", "notifications/states.sql")
