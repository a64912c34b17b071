"""The foundation: tables, guards, derived states, and the queue's verbs."""

from services.migrations.scripts import run_scripts

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_scripts(*(f"foundation/{part}.sql" for part in ("tables", "guards", "states", "work")))
