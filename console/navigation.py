"""The pages: their files, addresses and names. The gate and the entry script read the same table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.model import User
from services.permissions import Action, permits


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """One page. file is relative to the entry script; address is its part of the URL; key opens it after a g.

    Whoever may not do the action has no such page; None is for everybody.
    """

    file: str
    address: str
    title: str
    icon: str
    help: str
    key: str = ""
    visibility: Literal["visible", "hidden"] = "visible"
    action: Action | None = None


HOME = PageEntry(
    file="../pages/home.py",
    address="home",
    key="h",
    title="Home",
    icon=":material/home:",
    help="What runs, what needs you, and what has just finished.",
)
VIDEOS = PageEntry(
    file="../pages/videos.py",
    address="videos",
    key="v",
    title="Videos",
    icon=":material/video_library:",
    help="Every video you may see, newest first, with its state. Open one to see what was made of it.",
)
UPLOAD = PageEntry(
    file="../pages/upload.py",
    address="upload",
    key="u",
    title="Upload",
    icon=":material/upload:",
    help="Drop videos here. Work on them starts as soon as they have arrived.",
    action=Action.UPLOAD,
)
VIDEO = PageEntry(
    file="../pages/video.py",
    address="video",
    title="Video",
    icon=":material/movie:",
    help="One video: its progress, transcript, analysis, thumbnails, clips and posts.",
    visibility="hidden",
)
ACCOUNT = PageEntry(
    file="../pages/account.py",
    address="account",
    key="a",
    title="My account",
    icon=":material/account_circle:",
    help="Your password, where you are signed in, your API tokens and your limits.",
)
USERS = PageEntry(
    file="../pages/users.py",
    address="users",
    key="s",
    title="Users",
    icon=":material/group:",
    help="Who works here: roles, sessions, tokens and limits of each.",
    action=Action.MANAGE,
)

PAGES = (HOME, VIDEOS, UPLOAD, VIDEO, ACCOUNT, USERS)  # the first lives at the root
SIGN_IN_FILE = "../pages/sign_in.py"
CHOOSING_FILE = "../pages/choose_password.py"
NOT_FOR_ROLE_FILE = "../pages/not_for_role.py"

ADDRESSES = frozenset({"/"} | {f"/{page.address}" for page in PAGES})


def may_open(user: User, page: PageEntry) -> bool:
    """Whether there is such a page for this user."""
    return page.action is None or permits(user, page.action, user.id)
