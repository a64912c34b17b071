"""Links that set a password, tokens of the HTTP API, and what sign-in needs against guessing."""

from services.migrations.scripts import run_scripts

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_scripts("accounts/tables.sql", "accounts/sign_in.sql")
