"""The real server: what its websocket sends to whoever has no session, and to whoever has one."""

from __future__ import annotations

import http.client
import re
import time
import urllib.error
import urllib.request

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from services.model import Role
from tests.web.fake_server import EXPIRED, ONE_TIME, SECRET_TITLE, VALID
from tests.web.seeds import OF_ROLE
from tests.web.test_gate import forged

pytestmark = pytest.mark.filterwarnings("ignore:The HMAC key")


def page(
    address: str, cookie: str | None, *, page_name: str = "", origin: str | None = None, earlier: str | None = None
) -> str:
    """All that one run of the script sends, as text; earlier is the id of a run to take up again."""
    headers = {"Cookie": f"backlot_session={cookie}"} if cookie else {}
    sent: list[str] = []
    with connect(
        address.replace("http", "ws") + "/_stcore/stream",
        origin=origin or address,  # type: ignore[arg-type]
        additional_headers=headers,
        subprotocols=["streamlit", "x", earlier] if earlier else ["streamlit"],  # type: ignore[list-item]
        max_size=None,
    ) as socket:
        message = BackMsg()
        message.rerun_script.page_name = page_name
        socket.send(message.SerializeToString())
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            received = ForwardMsg()
            received.ParseFromString(socket.recv(timeout=20))  # type: ignore[arg-type]
            sent.append(str(received))
            if received.WhichOneof("type") == "script_finished":
                return "\n".join(sent)
    raise AssertionError("the script did not end")


@pytest.mark.parametrize("page_name", ["", "home", "upload", "video", "videos", "nothing"])
@pytest.mark.parametrize("kind", ["none", "forged", "expired"])
def test_without_a_session_every_page_is_the_sign_in_page(page_server: str, kind: str, page_name: str) -> None:
    cookie = {"none": None, "forged": forged(), "expired": EXPIRED}[kind]
    text = page(page_server, cookie, page_name=page_name)
    assert "sign_in_password" in text
    for secret in (
        SECRET_TITLE,
        "backlot_home",
        "video_list",
        "drop_zone",
        "sign_out",
        "bell",
        "pages/videos.py",
        "ana",
    ):
        assert secret not in text


def test_a_one_time_password_leads_to_choosing_another(page_server: str) -> None:
    text = page(page_server, ONE_TIME)
    assert "password_chosen" in text
    assert SECRET_TITLE not in text


def test_a_session_shows_the_pages(page_server: str) -> None:
    assert SECRET_TITLE in page(page_server, VALID)
    assert SECRET_TITLE in page(page_server, VALID, page_name="videos")
    assert "drop_zone" in page(page_server, VALID, page_name="upload")


# By hand: what is not for a role.
NOT_FOR = {
    Role.CREATOR: {"users"},
    Role.ANALYST: {"users", "upload"},
    Role.OPERATOR: {"users"},
    Role.ADMIN: set[str](),
}


@pytest.mark.parametrize("role", list(Role))
def test_a_page_that_is_not_for_a_role_says_so_and_nothing_else(page_server: str, role: Role) -> None:
    for address, content in (("upload", "drop_zone"), ("users", "user_list"), ("account", "account_session_list")):
        text = page(page_server, OF_ROLE[role], page_name=address)
        assert ("Not for your role" in text) is (address in NOT_FOR[role])
        assert (content in text) is (address not in NOT_FOR[role])


def test_a_run_is_taken_up_again_only_with_a_session(page_server: str) -> None:
    first = page(page_server, VALID)
    (name,) = set(re.findall(r'session_id: "([^"]+)"', first))
    assert name not in page(page_server, None, earlier=name)
    assert name not in page(page_server, EXPIRED, earlier=name)
    assert name in page(page_server, VALID, earlier=name)


def test_another_site_cannot_open_the_websocket(page_server: str) -> None:
    with pytest.raises(WebSocketException):
        page(page_server, VALID, origin="https://elsewhere.example")


@pytest.mark.parametrize(
    "path",
    ["/media/x.mp4", "/_stcore/metrics", "/component/x/y", "/_stcore/bidi-components/x/y", "/_stcore/upload_file/a/b"],
)
def test_streamlits_own_routes_are_closed(page_server: str, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page_server + path, timeout=5)  # noqa: S310  our own http address
    assert refused.value.code in {401, 404}
    assert b'"detail"' in refused.value.read()


def test_a_raw_path_does_not_climb(page_server: str) -> None:
    host = page_server.removeprefix("http://")
    for path in (
        "/app/static/../app.py",
        "/app/static/..%2fapp.py",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
    ):
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request("GET", path)
        assert connection.getresponse().status in {400, 401, 403, 404}
        connection.close()
