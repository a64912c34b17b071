"""Home: what runs, what needs you, what has just finished; for somebody new, where to begin."""

from __future__ import annotations

from uuid import UUID

import streamlit as st

from console import library_address, look, navigation, wiring
from console.components.home import Ask, Asked, home
from console.components.meter import limits_data
from console.messages import refusals, show_error
from console.notices import tell_pauses
from console.sample_video import process_sample
from console.session import checked_fragment, require
from services.errors import BacklotError
from services.model import User
from services.permissions import Action, permits

PAGE_OF = {page.address: page.file for page in navigation.PAGES}


def answer(user: User, asked: Asked) -> None:
    """Does what somebody asked for; a refusal is shown where this is called."""
    services = wiring.services()
    if asked.what is Ask.OPEN:
        st.switch_page(navigation.VIDEO.file, query_params={"id": asked.value})
    address, _, query = asked.value.partition("?")
    if asked.what is Ask.GO and address in PAGE_OF:
        st.switch_page(PAGE_OF[address], query_params=library_address.known(query))
    if asked.what is Ask.RETRY:
        with refusals():
            services.operations.retry(user, UUID(asked.value))
            st.rerun()
    if asked.what is Ask.SAMPLE:
        process_sample(user)


@checked_fragment
def draw() -> None:
    """All of it; runs again when the component has heard that something changed."""
    user = require().user
    services = wiring.services()
    may_upload = permits(user, Action.UPLOAD, user.id)
    head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    head.title("Home", anchor=False, width="content")
    try:
        view = services.home.of(user)
        limits = limits_data(services.limits.of(user), user) if may_upload else None
    except BacklotError as error:
        show_error(error)
        st.button("Try again", icon=":material/refresh:", key="home_again")
        return
    if (
        may_upload
        and not view.rows.empty
        and head.button("Upload", type="primary", icon=":material/upload:", key="home_upload")
    ):
        st.switch_page(navigation.UPLOAD.file)
    if view.rows.under_way:
        tell_pauses()
    notices = st.container()
    asked = home(
        view,
        limits,
        may_act=lambda owner_id: permits(user, Action.ACT, owner_id),
        timezone=look.viewer_timezone(),
    )
    if asked is not None:
        with notices:
            answer(user, asked)


draw()
