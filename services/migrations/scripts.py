"""Runs the SQL files of a migration."""

from __future__ import annotations

from pathlib import Path

from alembic import op

VERSIONS = Path(__file__).with_name("versions")


def run_scripts(*names: str) -> None:
    """Run files below `versions/` in order, as one transaction with the migration."""
    # The driver's own connection: SQLAlchemy would read the percent signs of `raise` as parameters.
    connection = op.get_bind().connection.driver_connection
    if connection is None:
        raise RuntimeError("migrations run on a connection that is open")
    for name in names:
        connection.execute((VERSIONS / name).read_text())
