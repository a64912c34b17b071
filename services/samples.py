"""The sample video: the whole product at work before anybody has uploaded anything of their own."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
from pathlib import Path
from uuid import UUID

from services.database import Database
from services.errors import NotFound
from services.limits import Limits, spends_request
from services.model import JobKind, User
from services.permissions import Action, use_case
from services.records import videos
from services.uploads import Uploads

TITLE = "Sample: a poem, a novel, a speech"


class Samples:
    def __init__(self, database: Database, uploads: Uploads, limits: Limits) -> None:
        self._database = database
        self._uploads = uploads
        self._limits = limits

    @use_case(Action.UPLOAD)
    @spends_request
    def process(self, user: User) -> UUID:
        """The user's video of the sample, uploaded now if they have none.

        Raises NotFound where this installation has no sample, and what an upload of one's own raises.
        """
        path = sample_file()
        with self._database.transaction() as connection:
            known = videos.find_content(connection, user.id, sha256=_sha256(path))
        if known is not None:
            return known
        return self._uploads.accept_file(user, path, title=TITLE, kind=JobKind.PIPELINE).video_id


def sample_file() -> Path:
    """Where the sample lies: in the package beside this one. Raises NotFound."""
    try:
        path = Path(str(importlib.resources.files("sample"))) / "sample.mp4"
    except ModuleNotFoundError:
        path = Path("sample.mp4")
    if not path.is_file():
        raise NotFound("The sample is not part of this installation. Upload a video of your own.")
    return path


@functools.cache
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
