"""The entry script: who may see which pages, and the frame around them."""

from __future__ import annotations

import base64
from contextlib import suppress
from pathlib import Path

import streamlit as st

from console import look, navigation, wiring
from console.components.bell import bell
from console.components.meter import meter
from console.components.session import sign_out_button
from console.components.shortcuts import shortcuts
from console.components.upload import upload_strip
from console.messages import plain, show_error
from console.navigation import may_open
from console.reset_parts import RESET
from console.session import current
from services.errors import BacklotError, Unavailable

STATIC = Path(__file__).parent / "static"


def picture(name: str) -> str:
    """An own picture as a data address: Streamlit's media store answers only to sessions."""
    return "data:image/svg+xml;base64," + base64.b64encode((STATIC / name).read_bytes()).decode()


st.set_page_config(page_title="Backlot", page_icon=picture("icon.svg"), layout="wide")
st.logo(picture("logo.svg"), size="large", icon_image=picture("icon.svg"))

try:
    session = current(by_person=True)
except Unavailable as error:
    show_error(error)
    st.stop()

by_link = RESET in st.query_params
if session is None or session.user.must_change_password or by_link:
    # Every address shows the one page that is allowed now, so that a deep link survives it.
    is_sign_in = session is None and not by_link
    only = navigation.SIGN_IN_FILE if is_sign_in else navigation.CHOOSING_FILE
    title = "Sign in" if is_sign_in else "Choose a password"
    pages = [st.Page(only, title=title, url_path=page.address, icon="") for page in navigation.PAGES]
    st.navigation(pages, position="hidden").run()
else:
    user = session.user
    pages = [
        st.Page(
            page.file if may_open(user, page) else navigation.NOT_FOR_ROLE_FILE,
            title=page.title,
            url_path=page.address,
            icon=page.icon,
            help=page.help,
            visibility=page.visibility if may_open(user, page) else "hidden",
        )
        for page in navigation.PAGES
    ]
    selected = st.navigation(pages)
    st.set_page_config(page_title=f"{selected.title} · Backlot")
    shown = [page for page, one in zip(navigation.PAGES, pages, strict=True) if one.visibility == "visible"]
    with st.sidebar:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(navigation.ACCOUNT.file, label=plain(user.name), icon=":material/person:")
            st.badge(look.ROLE_NAMES[user.role], color="gray")
        limits = st.container(gap=None)
        with st.container(horizontal=True, gap="small"):
            sign_out_button()
            chosen = shortcuts([{"key": page.key, "title": page.title, "address": page.address} for page in shown])
        st.caption(f"Times are {look.viewer_timezone()}.")
    if chosen is not None:
        st.switch_page(next(page.file for page in shown if page.address == chosen))
    looking_at = st.query_params.get("id") if selected.url_path == navigation.VIDEO.address else None
    with st.container(gap=None):  # what lies over the page takes no room in it
        opened = bell(looking_at=looking_at)
        if opened is not None:
            st.switch_page(navigation.VIDEO.file, query_params={"id": opened})
        if may_open(user, navigation.UPLOAD) and upload_strip(address=navigation.UPLOAD.address):
            st.switch_page(navigation.UPLOAD.file)
        with st.container():
            selected.run()
    with limits, suppress(BacklotError):  # last: while a store does not answer, the page need not wait for it twice
        meter(wiring.services().limits.of(user), user, key="meter")
