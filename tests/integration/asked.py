"""How each use case is called for real: on something of the asker's, or of another's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID, uuid4

from services.bulk import Order, Verb
from services.errors import IllegalMove, Refused
from services.library import Query
from services.model import JobKind, LimitName, QueueName, Role, User
from tests.films import film_of
from tests.integration.possessions import Possessions, creator, pieces
from tests.integration.work import clear_work

# Of the possessions, the user who asks and the owner of what they ask for: False where the answer leaves it out.
Ask = Callable[[Possessions, User, User], object]
WHY = "a test"


def submit_many(has: Possessions, user: User, owner: User) -> bool:
    video_id = has.processed(owner).video_id
    answer = has.services.operations.submit_many(user, [video_id], JobKind.THUMBNAILS)[video_id]
    return told(answer)


def told(answer: object) -> bool:
    """An answer among others may be a refusal, which is raised here."""
    if isinstance(answer, Refused):
        raise answer
    return isinstance(answer, UUID)


def pause(has: Possessions, user: User, owner: User) -> None:
    has.services.operations.pause(user, QueueName.AI, reason=WHY)
    has.services.operations.resume(has.person(Role.ADMIN), QueueName.AI)


def resume(has: Possessions, user: User, owner: User) -> None:
    admin = has.person(Role.ADMIN)
    has.services.operations.pause(admin, QueueName.AI, reason=WHY)
    try:
        has.services.operations.resume(user, QueueName.AI)
    except Refused:
        has.services.operations.resume(admin, QueueName.AI)
        raise


def bulk_plan(has: Possessions, user: User, owner: User) -> bool:
    order = Order(verb=Verb.CANCEL, video_ids=(has.waiting(owner).video_id,))
    return has.services.bulk.plan(user, order).video_ids == order.video_ids


def bulk_run(has: Possessions, user: User, owner: User) -> bool:
    order = Order(verb=Verb.CANCEL, video_ids=(has.waiting(owner).video_id,))
    return has.services.bulk.run(user, order).done == 1


def search(has: Possessions, user: User, owner: User) -> bool:
    has.processed(owner)
    rows = has.services.library.search(user, Query(text=has.mark, owner=owner.name)).rows
    return has.processed(owner).video_id in {row.id for row in rows}


def home(has: Possessions, user: User, owner: User) -> bool:
    clear_work(has.services.database)  # the oldest twelve are shown
    has.forget()
    video_id = has.waiting(owner).video_id
    return video_id in {card.video_id for card in has.services.home.of(user).rows.under_way}


def live(has: Possessions, user: User, owner: User) -> bool:
    accepted = has.waiting(owner)
    viewer = has.services.live.join(user, lambda: None, also=[accepted.job_id])
    try:
        return str(accepted.video_id).encode() in viewer.take()
    finally:
        has.services.live.leave(viewer)


def inbox(has: Possessions, user: User, owner: User) -> bool:
    message = has.processed(owner).notification_id
    return message in {row.id for row in has.services.notifications.inbox(user).rows}


def mark_read(has: Possessions, user: User, owner: User) -> bool:
    message = has.processed(owner).notification_id
    has.services.notifications.mark_read(user, [message])
    return next(row.read for row in has.services.notifications.inbox(owner).rows if row.id == message)


def begin(has: Possessions, user: User, owner: User) -> bool:
    """Whether it goes on with the upload that the owner has left unfinished."""
    body = film_of(uuid4().bytes)
    left = has.upload(owner, content=body)
    begun = has.services.uploads.begin(user, file_name="f.mp4", size=len(body), fingerprint=body.hex(), title=None)
    return begun.id == left.id


def duplicate_of(has: Possessions, user: User, owner: User) -> bool:
    body = film_of(uuid4().bytes)
    has.services.uploads.complete(creator(owner), has.upload(owner, content=body).id)
    same = has.services.uploads.duplicate_of(user, file_name="f.mp4", size=len(body), fingerprint=body.hex())
    return same is not None


def append(has: Possessions, user: User, owner: User) -> object:
    upload = has.upload(owner, sent=False)
    body = film_of(bytes(16))
    return asyncio.run(has.services.uploads.append(user, upload.id, offset=0, chunks=pieces(body)))


def unfinished(has: Possessions, user: User, owner: User) -> bool:
    return has.upload(owner).id in {row.id for row in has.services.uploads.unfinished(user)}


def accept_file(has: Possessions, user: User, owner: User) -> object:
    return has.services.uploads.accept_file(user, has.film(), title=None, kind=JobKind.PIPELINE)


def change_password(has: Possessions, user: User, owner: User) -> bool:
    """Nobody here has a password: whoever may ask is told that theirs is another one."""
    try:
        has.services.accounts.change_password(user, "not this", "a new and longer one")
    except Refused as refusal:
        if str(refusal) != "The present password is not right.":
            raise
    return True


def sessions_of(has: Possessions, user: User, owner: User) -> bool:
    session_id = has.session(owner)
    return session_id in {session.id for session in has.services.sessions.of_user(user, owner.id)}


def tokens_of(has: Possessions, user: User, owner: User) -> bool:
    token_id = has.token(owner)
    return token_id in {token.id for token in has.services.tokens.of_user(user, owner.id)}


def find_users(has: Possessions, user: User, owner: User) -> bool:
    return owner.id in {row.id for row in has.services.users.find(user, text=owner.name).rows}


def set_override(has: Possessions, user: User, owner: User) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    has.services.limits.set_override(user, owner.id, LimitName.JOBS, value=20, reason=WHY, until=until)


def lift_override(has: Possessions, user: User, owner: User) -> None:
    set_override(has, has.person(Role.ADMIN), owner)
    has.services.limits.lift_override(user, owner.id, LimitName.JOBS, reason=WHY)


def somebody(has: Possessions, user: User, owner: User) -> int:
    """The asker themselves, or somebody new: what is done to them is not undone."""
    return user.id if owner.id == user.id else has.person().id


def enable(has: Possessions, user: User, owner: User) -> None:
    other = somebody(has, user, owner)
    if other != user.id:
        has.services.users.disable(has.person(Role.ADMIN), other, reason=WHY)
    has.services.users.enable(user, other, reason=WHY)


def not_now(ask: Callable[[], object]) -> bool:
    """Whether it was done, rather than refused because of how the thing stands."""
    try:
        ask()
    except IllegalMove:
        return False
    return True


ASKED: Mapping[str, Ask] = MappingProxyType(
    {
        "videos.get": lambda has, user, owner: has.services.videos.get(user, has.processed(owner).video_id),
        "videos.open_file": lambda has, user, owner: has.services.videos.open_file(
            user, has.processed(owner).file_ids[0]
        ),
        "videos.transcript": lambda has, user, owner: has.services.videos.transcript(
            user, has.processed(owner).video_id
        ),
        "lineages.of_video": lambda has, user, owner: has.services.lineages.of_video(
            user, has.processed(owner).video_id
        ),
        "archives.open": lambda has, user, owner: has.services.archives.open(
            user, has.processed(owner).video_id, source=True
        ),
        "edits.save": lambda has, user, owner: has.services.edits.save(
            user, has.processed(owner).video_id, "title", f"{has.mark} again"
        ),
        "operations.job": lambda has, user, owner: has.services.operations.job(user, has.processed(owner).job_id),
        "operations.submit": lambda has, user, owner: has.services.operations.submit(
            user, has.processed(owner).video_id, JobKind.THUMBNAILS
        ),
        "operations.submit_many": submit_many,
        "operations.cancel": lambda has, user, owner: has.services.operations.cancel(user, has.waiting(owner).job_id),
        "operations.retry": lambda has, user, owner: has.services.operations.retry(user, has.stopped(owner).job_id),
        "operations.counts": lambda has, user, owner: has.services.operations.counts(user),
        "operations.queues": lambda has, user, owner: has.services.operations.queues(user),
        "operations.pauses": lambda has, user, owner: has.services.operations.pauses(user),
        "operations.refused_messages": lambda has, user, owner: has.services.operations.refused_messages(user, hours=1),
        "operations.pause": pause,
        "operations.resume": resume,
        "bulk.plan": bulk_plan,
        "bulk.run": bulk_run,
        "library.search": search,
        "home.of": home,
        "live.join": live,
        "notifications.inbox": inbox,
        "notifications.mark_read": mark_read,
        "samples.process": lambda has, user, owner: has.services.samples.process(user),
        "uploads.begin": begin,
        "uploads.duplicate_of": duplicate_of,
        "uploads.status": lambda has, user, owner: has.services.uploads.status(user, has.upload(owner).id),
        "uploads.append": append,
        "uploads.unfinished": unfinished,
        "uploads.describe": lambda has, user, owner: has.services.uploads.describe(
            user, has.upload(owner).id, title="Another title", tags=None
        ),
        "uploads.discard": lambda has, user, owner: has.services.uploads.discard(user, has.upload(owner).id),
        "uploads.complete": lambda has, user, owner: has.services.uploads.complete(user, has.upload(owner).id),
        "uploads.accept_file": accept_file,
        "limits.of": lambda has, user, owner: has.services.limits.of(user),
        "limits.refusals": lambda has, user, owner: has.services.limits.refusals(user, since=datetime.now(UTC)),
        "limits.overrides": lambda has, user, owner: has.services.limits.overrides(user, owner.id),
        "limits.set_override": set_override,
        "limits.lift_override": lift_override,
        "accounts.change_password": change_password,
        "sessions.issue_ticket": lambda has, user, owner: has.services.sessions.issue_ticket(user),
        "sessions.open": lambda has, user, owner: has.services.sessions.open(user, address="::1", user_agent=WHY),
        "sessions.of_user": sessions_of,
        "sessions.end": lambda has, user, owner: has.services.sessions.end(user, has.session(owner)),
        "sessions.end_all": lambda has, user, owner: has.services.sessions.end_all(user, owner.id, reason=WHY),
        "tokens.create": lambda has, user, owner: has.services.tokens.create(user, name=WHY, days=1),
        "tokens.of_user": tokens_of,
        "tokens.revoke": lambda has, user, owner: has.services.tokens.revoke(user, has.token(owner)),
        "users.find": find_users,
        "users.get": lambda has, user, owner: has.services.users.get(user, owner.id),
        "users.create": lambda has, user, owner: has.services.users.create(user, has.new_name(), Role.CREATOR),
        "users.set_role": lambda has, user, owner: not_now(
            lambda: has.services.users.set_role(user, somebody(has, user, owner), Role.ANALYST, reason=WHY)
        ),
        "users.disable": lambda has, user, owner: not_now(
            lambda: has.services.users.disable(user, somebody(has, user, owner), reason=WHY)
        ),
        "users.enable": lambda has, user, owner: not_now(lambda: enable(has, user, owner)),
        "users.reset_link": lambda has, user, owner: has.services.users.reset_link(user, somebody(has, user, owner)),
    }
)
