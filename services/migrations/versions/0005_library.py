"""What the library shows and finds."""

from services.migrations.scripts import run_scripts

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_scripts(*(f"library/{part}.sql" for part in ("tables", "words", "follow", "finish", "fill")))
