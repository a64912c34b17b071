"""The files of the page as a browser gets them: which form, under which headers, and when only their name."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.proto.NewSession_pb2 import CustomThemeConfig

from console import shell, static_files

CODE = b"export const answer = 42;\n" * 400
FONT = bytes(range(256)) * 8


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "js").mkdir(parents=True)
    (folder / "js" / "index.abc123.js").write_bytes(CODE)
    (folder / "js" / "tiny.js").write_bytes(b"export{}")
    (folder / "font.woff2").write_bytes(FONT)
    (tmp_path / "secret.js").write_bytes(b"secret")
    return folder


@pytest.fixture
def table(bundle: Path) -> dict[str, static_files.Asset]:
    return static_files.assets(bundle, "/static/", static_files.FOREVER)


@pytest.fixture
def browser(table: dict[str, static_files.Asset]) -> Iterator[TestClient]:
    """In front of it stands what answers like Streamlit: its index page for every address it does not know."""

    async def streamlit(request: Request) -> Response:
        if request.url.path.startswith("/api/"):
            return HTMLResponse("<p>an own route</p>")
        if request.url.path == "/_stcore/health":
            return JSONResponse("ok")
        if request.url.path == "/refused":
            return HTMLResponse("<p>refused</p>", status_code=403)
        return HTMLResponse("<p>Streamlit</p>")

    application = Starlette(
        routes=[Route("/{rest:path}", streamlit, methods=["GET", "POST"])],
        middleware=[Middleware(static_files.StaticFiles, table=table)],
    )
    with TestClient(application) as client:
        yield client


def raw(browser: TestClient, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An answer with its body as it went over the wire."""
    with browser.stream("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}) as got:
        return got.status_code, dict(got.headers), b"".join(got.iter_raw())


def test_it_is_plain_until_the_compressed_forms_are_there(
    browser: TestClient, table: dict[str, static_files.Asset], tmp_path: Path
) -> None:
    path = "/static/js/index.abc123.js"
    _, before, body = raw(browser, path, accept_encoding="br")
    assert ("content-encoding" in before, body) == (False, CODE)
    static_files.prepare_in_background(table, tmp_path / "kept").join()
    _, after, packed = raw(browser, path, accept_encoding="gzip, br")
    assert after["content-encoding"] == "br"
    assert brotli.decompress(packed) == CODE
    assert int(after["content-length"]) == len(packed) < len(CODE) / 10
    assert before["vary"] == after["vary"] == "Accept-Encoding"
    assert before["etag"] != after["etag"]


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate", "gzip"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("*", "br"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
        ("zstd", None),
        ("br;q=0.000", None),
    ],
)
def test_the_form_is_one_that_the_browser_named(
    browser: TestClient, table: dict[str, static_files.Asset], tmp_path: Path, wanted: str, given: str | None
) -> None:
    static_files.prepare(table, tmp_path / "kept")
    _, headers, body = raw(browser, "/static/js/index.abc123.js", accept_encoding=wanted)
    assert headers.get("content-encoding") == given
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[given]
    assert unpack(body) == CODE


def test_headers_say_how_long_it_keeps(
    browser: TestClient, table: dict[str, static_files.Asset], tmp_path: Path
) -> None:
    static_files.prepare(table, tmp_path / "kept")
    for path, kind in (
        ("/static/js/index.abc123.js", "text/javascript"),
        ("/static/font.woff2", "font/woff2"),
    ):
        status, headers, body = raw(browser, path, accept_encoding="br")
        assert status == 200
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        assert headers["content-type"].startswith(kind)
        assert body
    assert "content-encoding" not in headers, "a font is compressed in itself"
    page = browser.get("/anything")
    assert page.headers["cache-control"] == "no-cache"
    assert browser.get("/").headers["etag"] == page.headers["etag"]


def test_what_hardly_shrinks_is_sent_plain(
    browser: TestClient, table: dict[str, static_files.Asset], tmp_path: Path
) -> None:
    static_files.prepare(table, tmp_path / "kept")
    _, headers, body = raw(browser, "/static/js/tiny.js", accept_encoding="br, gzip")
    assert ("content-encoding" in headers, body) == (False, b"export{}")


def test_the_second_time_only_the_name_is_asked_for(
    browser: TestClient, table: dict[str, static_files.Asset], tmp_path: Path
) -> None:
    static_files.prepare(table, tmp_path / "kept")
    for path in ("/static/js/index.abc123.js", "/static/font.woff2", "/video"):
        first = browser.get(path, headers={"Accept-Encoding": "br"})
        for name in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}', "*"):
            again = browser.get(path, headers={"Accept-Encoding": "br", "If-None-Match": name})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        other = browser.get(path, headers={"Accept-Encoding": "br", "If-None-Match": '"other"'})
        assert other.status_code == 200


def test_another_content_has_another_name(bundle: Path, table: dict[str, static_files.Asset]) -> None:
    (bundle / "js" / "index.abc123.js").write_bytes(CODE + b"// more")
    again = static_files.assets(bundle, "/static/", static_files.FOREVER)
    assert again["/static/js/index.abc123.js"].tag != table["/static/js/index.abc123.js"].tag
    assert again["/static/font.woff2"].tag == table["/static/font.woff2"].tag


def test_a_head_request_gets_the_headers(browser: TestClient) -> None:
    answer = browser.head("/static/font.woff2")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(FONT)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../secret.js",
        "/static/js/../../../secret.js",
        "/static/..%2fsecret.js",
        "/static//js/index.abc123.js",
        "/static/js",
        "/static/",
        "/static/js/index.abc123.js/",
        "/STATIC/js/index.abc123.js",
    ],
)
def test_only_exact_addresses_are_answered(browser: TestClient, path: str) -> None:
    assert "max-age" not in browser.get(path).headers.get("cache-control", "")


def test_forms_are_kept_for_the_next_start(
    table: dict[str, static_files.Asset], tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    static_files.prepare(table, kept)
    (kept / "of-an-older-version.br").write_bytes(b"old")
    monkeypatch.setattr(static_files, "_make", lambda *_: pytest.fail("it was compressed again"))
    again = static_files.assets(bundle, "/static/", static_files.FOREVER)
    static_files.prepare(again, kept)
    assert [one.forms for one in again.values()] == [one.forms for one in table.values()]
    assert not (kept / "of-an-older-version.br").exists()


def test_a_folder_that_cannot_be_written_costs_the_next_start_alone(
    table: dict[str, static_files.Asset], tmp_path: Path
) -> None:
    place = tmp_path / "a file"
    place.touch()
    static_files.prepare(table, place / "kept")
    assert set(table["/static/js/index.abc123.js"].forms) == {"br", "gzip"}


def test_our_page_stands_where_streamlit_would_send_its_own(browser: TestClient) -> None:
    for path in ("/", "/video", "/no/such/page"):
        assert browser.get(path).text == shell.html()
    assert browser.get("/api/x").text == "<p>an own route</p>"
    assert browser.get("/refused").text == "<p>refused</p>"
    assert browser.get("/_stcore/health").json() == "ok"
    assert browser.post("/video").text == "<p>Streamlit</p>"


def test_the_page_is_ours() -> None:
    """Each of these is found by its text in Streamlit's page: an upgrade that changes one is seen here."""
    page = shell.html()
    assert "<title>Backlot</title>" in page
    assert "Streamlit" not in re.sub(r"<!--.*?-->|StreamlitMarkdown", "", page, flags=re.DOTALL)
    assert "agent" not in page.split("</head>")[1]
    assert "favicon.png" not in page
    assert "SourceSans" not in page
    assert f'href="./{shell.FONT}"' in page
    assert "stBaseButton-primary" in page
    assert len(shell.script_hashes()) == 1
    named = re.findall(r'href="\./static/js/([\w.-]+)"', page)
    assert len(named) == len(set(named)) > 60
    for element in shell.DRAWN_WITH:
        assert any(name.startswith(f"{element}.") for name in named), element
    for name in named:
        assert (shell.BUNDLE / "static" / "js" / name).exists()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_first_theme_is_in_streamlits_own_words(mode: str) -> None:
    known = {one.json_name for one in CustomThemeConfig.DESCRIPTOR.fields}
    theme = shell.first_theme(mode)
    assert set(theme) <= known
    assert set(theme["sidebar"]) <= known
    assert theme["backgroundColor"] == {"light": "#ffffff", "dark": "#101218"}[mode]


def test_the_bundle_asks_for_what_the_page_tells() -> None:
    """The page settles what Streamlit's script would ask the server for, under names that are not documented."""
    script = next((shell.BUNDLE / "static" / "js").glob("index.*.js")).read_text(encoding="utf-8")
    for name in ("BACKEND_BASE_URL", "HOST_CONFIG", "LIGHT_THEME", "DARK_THEME", "enableBypass"):
        assert name in script
    assert "window.__streamlit" in script
