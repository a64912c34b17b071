"""Posts to edit, copy and keep, with the length that each network takes; titles and hashtags to copy."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

from console.components import component
from console.look import moment
from services.archive import MARKDOWN_POSTS
from services.names import safe_name
from services.outputs import Post, PostsOutput
from services.videos import VideoDetail

_posts = component("posts", "saving", "copying", "post_length")

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "linkedin": "LinkedIn",
        "x_thread": "X thread",
        "newsletter": "Newsletter",
        "blog_outline": "Blog outline",
        "show_notes": "Show notes",
    }
)
PLACES: Mapping[str, str] = MappingProxyType({"x_thread": "X"})  # where it goes, if that is called something else


def posts(output: PostsOutput, video: VideoDetail, *, timezone: tzinfo) -> None:
    """Posts as they stand, with what people changed; who only looks cannot write."""
    _posts(
        data={
            "video_id": str(video.video.id),
            "output": zlib.crc32(output.model_dump_json().encode()),
            "file": safe_name(video.video.title),
            "may_act": video.may_act,
            "method": f"Method: {output.method} ({output.engine}). Drafts of the speaker's own sentences: read them.",
            "posts": [_card(post, video, timezone) for post in output.posts],
            "titles": list(output.titles),
            "hashtags": list(output.hashtags),
        },
        key="posts",
    )


def _card(post: Post, video: VideoDetail, timezone: tzinfo) -> dict[str, Any]:
    name = NETWORKS.get(post.network, post.network)
    edit = video.edited.get(f"post:{post.network}")
    return {
        "network": post.network,
        "name": name,
        "on": PLACES.get(post.network, name),
        "thread": post.network == "x_thread",
        "limit": post.character_limit,
        "original": list(post.parts),
        "parts": list(video.parts(post)),
        "edited": f"{edit.editor}, {moment(edit.at, timezone=timezone)}" if edit is not None else "",
        "ending": "md" if post.network in MARKDOWN_POSTS else "txt",
    }
