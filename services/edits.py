"""What people change of a video: its title and tags, words of the transcript, posts, clips, the thumbnail.

Outputs keep what was made; an edit lies over one and can be taken back. Title and tags are the video's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection

from services.database import Database
from services.errors import BadInput, IllegalMove
from services.limits import Limits, spends_request
from services.model import StageName, User
from services.names import clean_title
from services.outputs import OUTPUT_OF, ClipsOutput, Output, PostsOutput, ThumbnailsOutput, TranscriptOutput
from services.permissions import Action, use_case
from services.records import edits, events, library, videos
from services.tags import clean_tags
from services.videos import visible_video

LONGEST_TITLE = 200
LONGEST_SEGMENT = 2000  # characters
LONGEST_POST = 20_000
MOST_PARTS = 50
HIDDEN = "hidden"  # of a clip that a person took out of the list
TARGET = re.compile("(segment|clip):(0|[1-9][0-9]{0,8})|post:[a-z_]{1,40}|thumbnail")  # of what lies over an output
TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Value = str | int | list[str]


class Edits:
    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    @use_case(Action.ACT)
    @spends_request
    def save(self, user: User, video_id: UUID, target: str, value: object | None) -> Value | None:
        """Change a target of the video, such as `title`, `segment:12` or `post:linkedin`; None takes it back.

        Answers what stands now. Raises NotFound, NotAllowed, BadInput, IllegalMove when there is no such output yet.
        """
        if target == "title":
            return self._rename(user, video_id, value)
        if target == "tags":
            return self._tag(user, video_id, value)
        if TARGET.fullmatch(target) is None:
            raise BadInput("There is no such line, post, clip or thumbnail to edit.")
        kind, _, name = target.partition(":")
        stage, check = _RULES[kind]
        with self._database.transaction() as connection:
            visible_video(connection, user, video_id, Action.ACT)
            videos.lock(connection, video_id)  # a newer output is there by now, or waits and then replaces this
            recorded = videos.newest_output(connection, video_id, stage)
            if recorded is None:
                raise IllegalMove(f"This video has no {stage} yet: there is nothing to edit.")
            kept = None if value is None else check(OUTPUT_OF[stage].model_validate(recorded.data), name, value)
            edits.append(
                connection,
                video_id=video_id,
                stage_id=recorded.stage_id,
                target=target,
                value=kept,
                user_id=user.id,
            )
            library.follow_edit(connection, video_id, target, kept)
            action = "output edited" if kept is not None else "edit taken back"
            _note(connection, user, video_id, action, {"target": target})
        return kept

    def _rename(self, user: User, video_id: UUID, value: object | None) -> str:
        """None goes back to the name of the file."""
        with self._database.transaction() as connection:
            video = visible_video(connection, user, video_id, Action.ACT)
            title = clean_title(None, video.file_name) if value is None else _text(value, longest=LONGEST_TITLE)
            videos.rename(connection, video_id, title)
            _note(connection, user, video_id, "title changed", {"from": video.title, "to": title})
        return title

    def _tag(self, user: User, video_id: UUID, value: object | None) -> list[str]:
        with self._database.transaction() as connection:
            video = visible_video(connection, user, video_id, Action.ACT)
            tags = [] if value is None else clean_tags(value)
            videos.set_tags(connection, video_id, tags)
            _note(connection, user, video_id, "tags changed", {"from": list(video.tags), "to": tags})
        return tags


def _note(connection: Connection, user: User, video_id: UUID, action: str, details: Mapping[str, object]) -> None:
    events.append(
        connection, actor=f"user:{user.id}", action=action, user_id=user.id, video_id=video_id, details=details
    )


def _segment(output: Output, name: str, value: object) -> str:
    lines = len(output.segments) if isinstance(output, TranscriptOutput) else 0
    if int(name) >= lines:
        raise BadInput("There is no such line in the transcript.")
    return _text(" ".join(value.split()) if isinstance(value, str) else value, longest=LONGEST_SEGMENT)


def _post(output: Output, name: str, value: object) -> list[str]:
    if not isinstance(output, PostsOutput) or name not in {post.network for post in output.posts}:
        raise BadInput("There is no such post.")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_PARTS:
        raise BadInput(f"A post has between 1 and {MOST_PARTS} parts.")
    return [_post_text(part) for part in value]


def _post_text(value: object) -> str:
    """As it was written, with the joiners and marks that scripts and emoji need. Raises BadInput."""
    if not isinstance(value, str):
        raise BadInput("Write text here.")
    lines = "\n".join(value.replace("\t", " ").splitlines())
    shown = "".join(each for each in lines if each == "\n" or not _acts(each)).strip()
    if not 1 <= len(shown) <= LONGEST_POST:
        raise BadInput(f"Write between 1 and {LONGEST_POST:,} characters in each part.")
    return shown


def _acts(character: str) -> bool:
    """Whether it is no text: a control character, half of one, or what turns the direction of what follows."""
    return unicodedata.category(character) in {"Cc", "Cs"} or character in TURNS


def _clip(output: Output, name: str, value: object) -> str:
    if not isinstance(output, ClipsOutput) or name not in {str(clip.position) for clip in output.clips}:
        raise BadInput("There is no such clip.")
    if value != HIDDEN:
        raise BadInput("A clip can be taken out of the list; to cut it elsewhere, render it again.")
    return HIDDEN


def _thumbnail(output: Output, _name: str, value: object) -> int:
    positions = {one.position for one in output.thumbnails} if isinstance(output, ThumbnailsOutput) else set()
    if isinstance(value, bool) or not isinstance(value, int) or value not in positions:
        raise BadInput("There is no such thumbnail.")
    return value


def _text(value: object, *, longest: int) -> str:
    """What a person wrote, without control characters. Raises BadInput when nothing or too much is left."""
    if not isinstance(value, str):
        raise BadInput("Write text here.")
    shown = "".join(each for each in value if each.isprintable()).strip()
    if not 1 <= len(shown) <= longest:
        raise BadInput(f"Write between 1 and {longest:,} characters here.")
    return shown


_RULES: Mapping[str, tuple[StageName, Callable[[Output, str, object], Value]]] = MappingProxyType(
    {
        "segment": (StageName.TRANSCRIBE, _segment),
        "post": (StageName.POSTS, _post),
        "clip": (StageName.CLIPS, _clip),
        "thumbnail": (StageName.THUMBNAILS, _thumbnail),
    }
)
