"""The foundation: tables, guards, derived states, and the queue's verbs."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None

FOLDER = Path(__file__).with_name("foundation")
PARTS = ("tables.sql", "guards.sql", "states.sql", "work.sql")


def upgrade() -> None:
    # The driver's own connection: SQLAlchemy would read the percent signs of `raise` as parameters.
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations run on a connection that is open")
    for part in PARTS:
        connection.execute((FOLDER / part).read_text())


def downgrade() -> None:
    op.execute("drop schema public cascade; create schema public")
