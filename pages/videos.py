"""Videos: the library, as pictures or as a table; what is searched, filtered and sorted stands in the address."""

from __future__ import annotations

import streamlit as st

from console import library_address, look, navigation, wiring
from console.components import library_bar, video_list
from console.components.video_list import Answer, Ask, Listing, read_order
from console.messages import show_error
from console.notices import tell_pauses
from console.sample_video import process_sample
from console.session import checked_fragment, require
from services.errors import BacklotError, LimitReached
from services.library import MOST_COUNTED, Page, Sort
from services.model import User, VideoState
from services.permissions import ANYONES, Action, permits

FOUND = "videos_found"  # the last answer to a search
UNFINISHED = (VideoState.UPLOADED, VideoState.PROCESSING)


def said(component: str, name: str) -> str:
    """What a trigger of a component holds, while its callback runs."""
    value = st.session_state[component].get(name)
    return value if isinstance(value, str) else ""


def follow(component: str) -> None:
    """Lets the address be what a component made of it, so that reloading and going back find the same."""
    st.query_params.from_dict(library_address.known(said(component, "asked")))


def keep_order(name: str) -> None:
    """Keeps an order for the run that follows its callback."""
    st.session_state["videos_order"] = (name, said(video_list.KEY, name))


def answer(user: User) -> Answer | None:
    """The answer to an order that was just given."""
    name, text = st.session_state.pop("videos_order", ("", ""))
    order = read_order(text) if text else None
    if order is None:
        return None
    bulk = wiring.services().bulk
    try:
        if name == "confirmed":
            return Answer(stamp=order[0], outcome=bulk.run(user, order[1]))
        return Answer(stamp=order[0], plan=bulk.plan(user, order[1]))
    except BacklotError as error:
        return Answer(stamp=order[0], problem=str(error))


def amount(page: Page, states: tuple[VideoState, ...]) -> str:
    """How many videos the page is of, in words."""
    shown = look.at_least([page.counts[state] for state in states or VideoState], most=MOST_COUNTED)
    return f"{shown} {'video' if shown == '1' else 'videos'}"


@checked_fragment
def library() -> None:
    """All of it; runs again when somebody asks for something else, or the list has heard that something changed."""
    user = require().user
    timezone = look.viewer_timezone()
    may_upload = permits(user, Action.UPLOAD, user.id)
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.title("Videos", anchor=False, width="content")
    notices = st.container()
    answered = answer(user)
    asked = library_address.read(st.query_params, timezone=timezone)
    try:
        page = st.session_state[FOUND] = wiring.services().library.search(user, asked.query)
    except BacklotError as error:
        show_error(error)
        st.button("Try again", icon=":material/refresh:", key="videos_again")
        if not isinstance(error, LimitReached) or FOUND not in st.session_state:
            return
        page = st.session_state[FOUND]  # with what is being typed, and what is selected
    anything = asked.narrowed or bool(page.rows)
    if anything and may_upload and head.button("Upload", type="primary", icon=":material/upload:", key="videos_upload"):
        st.switch_page(navigation.UPLOAD.file)
    if any(page.counts[state] for state in UNFINISHED):
        with notices:
            tell_pauses()
    everybody = user.role in ANYONES[Action.SEE]
    shown = amount(page, asked.query.states)
    if anything:
        library_bar.library_bar(
            page, asked=asked.text, amount=shown, show_owner=everybody, on_asked=lambda: follow(library_bar.KEY)
        )
    wanted = video_list.video_list(
        page,
        Listing(
            asked=asked.text,
            amount=shown,
            step=library_address.PAGE_ROWS,
            narrowed=asked.narrowed,
            newest=not asked.narrowed and asked.query.sort is Sort.NEWEST and asked.query.place is None,
            show_owner=everybody,
            may_act=permits(user, Action.ACT, user.id),
            may_upload=may_upload,
            timezone=timezone,
        ),
        answered,
        on_asked=lambda: follow(video_list.KEY),
        on_considered=lambda: keep_order("considered"),
        on_confirmed=lambda: keep_order("confirmed"),
    )
    if wanted is Ask.SAMPLE:
        with notices:
            process_sample(user)


library()
