"""Components in a page of their own, with a server that answers as a test says: what happens when it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from console.components import FOLDER

pytestmark = pytest.mark.browser

HOME = "http://backlot.test"
LINES = ["the first line", "the second line"]
Draw = Callable[..., None]


@pytest.fixture
def draw(page: Page) -> Draw:
    """draw(name, data, *engines): the component in a page, or the same one with other data."""
    page.route("**/api/live*", lambda route: route.abort())
    page.route(f"{HOME}/", lambda route: route.fulfill(body="<main></main>", content_type="text/html"))
    page.goto(f"{HOME}/")

    def drawing(name: str, data: dict[str, Any], *engines: str) -> None:
        if not page.evaluate("name => Boolean(window[name])", name):
            files = ("base.js", *(f"{engine}_engine.js" for engine in engines), f"{name}.js")
            source = "\n".join((FOLDER / file).read_text() for file in files)
            page.add_script_tag(
                content=source.replace("export default function", f"window.{name} = function"), type="module"
            )
            page.wait_for_function("name => Boolean(window[name])", arg=name)
            page.evaluate(
                """name => {
                    const place = document.createElement('section');
                    place.innerHTML = '<div id="root"></div>';
                    place.id = name;
                    document.querySelector('main').append(place);
                }""",
                name,
            )
        page.evaluate(
            """([name, data]) => window[name]({
                data, parentElement: document.querySelector('#' + name), setTriggerValue: () => {},
            })""",
            [name, data],
        )

    return drawing


def answer(route: Route, body: object, status: int = 200) -> None:
    route.fulfill(status=status, content_type="application/json", body=json.dumps(body))


def spoken() -> dict[str, Any]:
    segments = [
        {"start": 2 * number, "end": 2 * number + 2, "text": text, "unsure": False, "words": []}
        for number, text in enumerate(LINES)
    ]
    return {"language": "en", "engine": "local", "model": "m", "segments": segments, "corrections": []}


@pytest.mark.parametrize("second", ["refused", "cut", "empty"])
def test_a_correction_that_was_saved_is_told_as_saved_whatever_comes_after(page: Page, draw: Draw, second: str) -> None:
    def transcript(route: Route) -> None:
        if "line=" not in route.request.url:
            answer(route, spoken())
        elif second == "refused":
            answer(route, {"detail": "The database rests."}, 503)
        elif second == "cut":
            route.abort()
        else:
            answer(route, {"segments": []})

    page.route("**/transcript.json*", transcript)
    page.route("**/edits/**", lambda route: answer(route, {"value": "better words"}))
    data = {"video": "v", "source": "/api/videos/v/transcript.json?of=1", "may_act": True}
    draw("transcript", data, "spoken", "saving", "finding", "correcting")
    line = page.locator("li[data-line='1']")
    line.locator("p").first.dblclick()
    page.get_by_label("Text of this line").fill("better words")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    expect(line.locator("p").first).to_have_text("better words")
    expect(line.get_by_text("Corrected", exact=True)).to_be_visible()
    expect(line.locator("q")).to_have_text(LINES[1])
    expect(page.get_by_label("Text of this line")).to_have_count(0)


def a_post(network: str, text: str) -> dict[str, Any]:
    return {
        "network": network,
        "name": network,
        "on": network,
        "thread": False,
        "limit": None,
        "original": [text],
        "parts": [text],
        "edited": "",
        "ending": "txt",
    }


def test_a_post_that_is_left_unsaved_is_sent_once_also_after_posts_were_made_again(page: Page, draw: Draw) -> None:
    sent: list[object] = []

    def save(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "")["value"])
        answer(route, {"value": None})

    page.route("**/edits/**", save)
    data = {"video_id": "v", "file": "f", "may_act": True, "method": "", "titles": [], "hashtags": []}
    for output in (1, 2, 3):
        posts = [a_post("linkedin", f"text {output}")]
        draw("posts", {**data, "output": output, "posts": posts}, "saving", "copying", "post_length")
    page.locator("textarea").fill("mine")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    expect(page.locator("textarea")).to_have_value("mine")
    page.wait_for_function("true")
    assert sent == [["mine"]]
    page.evaluate(
        """() => {
            window.listening = 0;
            for (const [name, step] of [['addEventListener', 1], ['removeEventListener', -1]]) {
                const usual = window[name];
                window[name] = (kind, act, ...rest) => {
                    window.listening += kind === 'pagehide' && act ? step : 0;
                    usual.call(window, kind, act, ...rest);
                };
            }
        }"""
    )
    draw("posts", {**data, "output": 4, "posts": [a_post("linkedin", "text 4")]}, "saving", "copying", "post_length")
    assert page.evaluate("window.listening") == 0, "one listener was taken away for the one that came"


@pytest.mark.parametrize(
    ("name", "engines", "data", "press"),
    [
        (
            "heading",
            ("saving",),
            {"video": "v", "title": "Before", "state": "s", "colour": "gray", "facts": [], "tags": [], "may_act": True},
            "Change the title",
        ),
        (
            "gallery",
            ("saving",),
            {
                "video_id": "v",
                "may_act": True,
                "chosen": None,
                "pictures": [
                    {"position": n, "source": "/x.jpg", "at": 2.0 * n, "picked": n == 0, "reason": ""} for n in (0, 1)
                ],
            },
            "Use the thumbnail at 0:02",
        ),
    ],
)
def test_what_cannot_be_saved_is_said_in_one_way(
    page: Page, draw: Draw, *, name: str, engines: tuple[str, ...], data: dict[str, Any], press: str
) -> None:
    page.route("**/x.jpg", lambda route: route.abort())
    page.route("**/edits/**", lambda route: route.abort())
    draw(name, data, *engines)
    page.get_by_role("button", name=press).click()
    if name == "heading":
        page.get_by_label("Title").fill("After")
        page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Not saved: Backlot does not answer. Try again.")
    if name == "heading":
        expect(page.get_by_label("Title")).to_have_value("After")


def a_player() -> dict[str, Any]:
    chapters = [{"title": title, "start": 10.0 * number} for number, title in enumerate(("One", "Two", "Three"))]
    return {
        "video": "v",
        "title": "t",
        "source": "/film.mp4",
        "captions": None,
        "language": "en",
        "poster": None,
        "duration": 30.0,
        "sound_only": False,
        "chapters": chapters,
        "pictures": [],
    }


def test_keys_go_from_chapter_to_chapter_and_the_help_names_them(page: Page, draw: Draw) -> None:
    page.route("**/film.mp4", lambda route: route.abort())
    page.add_init_script(
        """Object.defineProperties(HTMLMediaElement.prototype, {
            readyState: { get: () => 4 }, duration: { get: () => 30 },
            currentTime: { get() { return this.at ?? 0; }, set(at) { this.at = at; } },
        });"""
    )
    page.reload()
    draw("player", a_player(), "copying")
    slider = page.get_by_role("slider", name="Position")
    shown = []
    for key in ("n", "n", "n", "p", "p", "p"):
        page.keyboard.press(key)
        shown.append(slider.get_attribute("aria-valuetext"))
    assert shown == [
        "0:10 of 0:30, Two",
        "0:20 of 0:30, Three",
        "0:20 of 0:30, Three",
        "0:10 of 0:30, Two",
        "0:00 of 0:30, One",
        "0:00 of 0:30, One",
    ]
    page.get_by_role("button", name="Keys of the player").click()
    expect(page.get_by_role("dialog").get_by_text(re.compile("Next chapter"))).to_be_visible()


def test_what_begins_to_play_stops_what_played(page: Page, draw: Draw) -> None:
    page.route("**/film.mp4", lambda route: route.abort())
    clip = {
        "position": 0,
        "start": 0,
        "end": 5,
        "title": "Clip",
        "text": "",
        "score": 1,
        "factors": [],
        "hidden": False,
    }
    files = {"portrait": {"source": "/film.mp4", "poster": None}}
    limits = {"shortest": 3, "longest": 60, "most": 12, "duration": 30, "longest_title": 100, "scene_cuts": []}
    shelf = {
        "video_id": "v",
        "may_act": False,
        "clips": [{**clip, "position": position, "files": files} for position in range(2)],
        "source": None,
        "transcript": "/t",
        "limits": limits,
        "cost": "",
        "known": None,
        "rendering": None,
        "failed": None,
    }
    draw("player", a_player(), "copying")
    draw("clips", shelf, "live", "saving", "copying", "cutting", "cut_editor")
    paused = page.evaluate(
        """() => {
            const media = [...document.querySelectorAll('#player video, #clips video')];
            const paused = [];
            media.forEach((one, number) => { one.pause = () => paused.push(number); });
            const heard = [0, 1, 2, 2, 0].map((number) => {
                paused.length = 0;
                media[number].dispatchEvent(new Event('play'));
                return [...paused];
            });
            return [media.length, heard];
        }"""
    )
    assert paused == [3, [[], [0], [1], [], [2]]]
