"""The composition root: builds everything from the settings; tests hand in fakes."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from services import keys
from services.accounts import Accounts
from services.admission import Admission
from services.archive import Archives
from services.bulk import Bulk
from services.database import Database
from services.edits import Edits
from services.errors import Unavailable
from services.home import Home
from services.library import Library
from services.limits import Limits
from services.lineage import Lineages
from services.listening import Listener
from services.live import Hub
from services.notifications import Notifications
from services.operations import Operations
from services.progress import Progress
from services.queue import PERSON_PATIENCE, Queue, connect
from services.revocations import Revocations
from services.samples import Samples
from services.sessions import Sessions
from services.settings import Settings
from services.storage import LocalStorage
from services.sweeper import Sweeper
from services.tokens import ApiTokens
from services.uploads import Uploads
from services.users import Users
from services.videos import Videos

WORKER_PATIENCE = 1.0  # seconds that workers and sweepers give Redis: a slow one must still hear the ring


@dataclass(frozen=True, kw_only=True)
class Services:
    settings: Settings
    database: Database
    client: redis.Redis
    queue: Queue
    progress: Progress
    storage: LocalStorage
    sweeper: Sweeper
    accounts: Accounts
    sessions: Sessions
    users: Users
    tokens: ApiTokens
    admission: Admission
    limits: Limits
    uploads: Uploads
    videos: Videos
    operations: Operations
    live: Hub
    listener: Listener
    edits: Edits
    library: Library
    bulk: Bulk
    lineages: Lineages
    archives: Archives
    notifications: Notifications
    home: Home
    samples: Samples

    def listen(self) -> None:
        """Hear from now on which sessions end and how far jobs are: web servers do."""
        self.listener.start()

    def close(self) -> None:
        self.listener.stop()
        self.live.stop()
        self.sweeper.stop()
        self.sessions.close()
        self.limits.close()
        self.database.close()


def build(
    settings: Settings,
    *,
    patience: float = PERSON_PATIENCE,
    database: Database | None = None,
    client: redis.Redis | None = None,
    storage: LocalStorage | None = None,
) -> Services:
    """Everything, connected to nothing yet; Redis is given so many seconds of patience.

    Raises Unavailable when a setting that is needed is missing.
    """
    if settings.database_url is None or settings.redis_url is None or settings.secret_key is None:
        raise Unavailable(
            "DATABASE_URL, REDIS_URL and BACKLOT_SECRET_KEY must be set together, or left out together and started "
            "with `python -m console up`, which brings its own servers."
        )
    secret = settings.secret_key.get_secret_value()
    previous = settings.previous_secret_key.get_secret_value() if settings.previous_secret_key else None
    database = database or Database(settings.database_url.get_secret_value())
    patient_client = client or connect(settings.redis_url.get_secret_value(), patience=WORKER_PATIENCE)
    client = client or connect(settings.redis_url.get_secret_value(), patience=patience)
    storage = storage or LocalStorage(settings.storage_folder)
    admission = Admission.of(database, storage, client, settings)
    queue = Queue(client, secret=secret, previous=previous)
    patient_queue = Queue(patient_client, secret=secret, previous=previous)
    sweeper = Sweeper(database, patient_queue, storage, seconds=settings.sweep)
    revocations = Revocations(client)
    sessions = Sessions(database, client, settings, secret=secret, previous=previous, revocations=revocations)
    tokens = ApiTokens(database, revocations)
    users = Users(database, sessions, tokens)
    progress = Progress(client, secret=secret, previous=previous)
    limits = Limits(database, client, settings)
    uploads = Uploads(
        database, storage, queue, sweeper, settings, admission=admission, progress=progress, limits=limits
    )
    videos, lineages = Videos(database, storage), Lineages(database)
    live = Hub(database, progress)
    operations = Operations(database, queue, sweeper, settings, progress=progress, limits=limits)
    return Services(
        settings=settings,
        database=database,
        client=client,
        queue=queue,
        progress=progress,
        storage=storage,
        sweeper=sweeper,
        accounts=Accounts(database, users),
        sessions=sessions,
        users=users,
        tokens=tokens,
        admission=admission,
        limits=limits,
        uploads=uploads,
        videos=videos,
        operations=operations,
        live=live,
        listener=_listener(client, revocations, live),
        edits=Edits(database, limits),
        library=Library(database, limits),
        bulk=Bulk(database, queue, sweeper, operations, progress=progress, limits=limits),
        lineages=lineages,
        archives=Archives(videos, lineages, storage, limits),
        notifications=Notifications(database),
        home=Home(database, storage),
        samples=Samples(database, uploads, limits),
    )


def _listener(client: redis.Redis, revocations: Revocations, live: Hub) -> Listener:
    """One connection for all that a web server hears."""

    def begin() -> None:
        revocations.forget_all()
        live.begin_to_hear()

    listener = Listener(
        client,
        {keys.revocations(): revocations.hear, keys.progress(): live.hear},
        connected=begin,
        lost=live.cease_to_hear,
        relied_on=revocations.relied_on,
    )
    revocations.heard_by(listener.heard_within)
    live.heard_by(listener.hears)
    return listener
