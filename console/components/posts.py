"""Posts, titles and hashtags to copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from console.components import component
from services.outputs import PostsOutput

_posts = component("posts")

NETWORKS: Mapping[str, str] = MappingProxyType(
    {
        "linkedin": "LinkedIn",
        "x_thread": "X thread",
        "newsletter": "Newsletter",
        "blog_outline": "Blog outline",
        "show_notes": "Show notes",
    }
)


def posts(output: PostsOutput) -> None:
    """Posts, titles and hashtags to copy."""
    _posts(data=_cards(output), key="posts")


def _cards(output: PostsOutput) -> dict[str, Any]:
    """The posts, then titles and hashtags to copy like them."""
    extra: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("titles", "Titles", output.titles),
        ("hashtags", "Hashtags", (" ".join(output.hashtags),) if output.hashtags else ()),
    )
    return {
        "method": f"Method: {output.method} ({output.engine}).",
        "posts": [
            {
                "network": post.network,
                "name": NETWORKS.get(post.network, post.network),
                "parts": list(post.parts),
                "character_limit": post.character_limit,
            }
            for post in output.posts
        ]
        + [
            {"network": network, "name": name, "parts": list(parts), "character_limit": None}
            for network, name, parts in extra
            if parts
        ],
    }
