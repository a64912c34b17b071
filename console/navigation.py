"""The pages: their files, addresses and names. The gate and the entry script read the same table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PageEntry:
    """One page. file is relative to the entry script; address is its part of the URL."""

    file: str
    address: str
    title: str
    icon: str
    help: str
    visibility: Literal["visible", "hidden"] = "visible"


HOME = PageEntry(
    file="../pages/home.py",
    address="home",
    title="Home",
    icon=":material/home:",
    help="What runs, what needs you, and what has just finished.",
)
VIDEOS = PageEntry(
    file="../pages/videos.py",
    address="videos",
    title="Videos",
    icon=":material/video_library:",
    help="Every video you may see, newest first, with its state. Open one to see what was made of it.",
)
UPLOAD = PageEntry(
    file="../pages/upload.py",
    address="upload",
    title="Upload",
    icon=":material/upload:",
    help="Drop videos here. Work on them starts as soon as they have arrived.",
)
VIDEO = PageEntry(
    file="../pages/video.py",
    address="video",
    title="Video",
    icon=":material/movie:",
    help="One video: its progress, transcript, analysis, thumbnails, clips and posts.",
    visibility="hidden",
)

PAGES = (HOME, VIDEOS, UPLOAD, VIDEO)  # the first lives at the root
SIGN_IN_FILE = "../pages/sign_in.py"
FIRST_SIGN_IN_FILE = "../pages/choose_password.py"

ADDRESSES = frozenset({"/"} | {f"/{page.address}" for page in PAGES})
