"""The two worker kinds. RQ brings the bell; what to do, Postgres says."""


def wake(queue: str) -> None:
    """The one function that a message on Redis names. Workers know a wake by its name and never call it."""
    raise NotImplementedError(f"a wake for {queue} is handled by the worker itself")
