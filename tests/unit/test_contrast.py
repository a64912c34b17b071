"""Every colour that text has on every ground that it stands on, in both themes: 4.5 to 1 at least."""

from __future__ import annotations

import re
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from console.look import VIDEO_CHIPS

ROOT = Path(__file__).parents[2]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
BASE = (ROOT / "console" / "components" / "base.css").read_text(encoding="utf-8")
FRAME = (ROOT / "console" / "static" / "frame.css").read_text(encoding="utf-8")
LEAST = 4.5
STATES = ("red", "orange", "yellow", "green", "blue", "violet", "gray")
MODES = ("light", "dark")

Colour = tuple[float, float, float]


def read(text: str) -> Colour:
    assert re.fullmatch(r"#[0-9a-f]{6}", text), f"{text}: a colour that lets something through cannot be judged here"
    return tuple(int(text[at : at + 2], 16) for at in (1, 3, 5))  # type: ignore[return-value]


def mixed(top: Colour, under: Colour, share: float) -> Colour:
    """The top colour where it covers this share, as an alpha or color-mix in srgb does."""
    return tuple(share * one + (1 - share) * other for one, other in zip(top, under, strict=True))  # type: ignore[return-value]


def contrast(one: Colour, other: Colour) -> float:
    """The ratio of WCAG 2, from 1 to 21."""

    def luminance(colour: Colour) -> float:
        shares = [part / 255 for part in colour]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def share_in(name: str) -> float:
    """How much of the first colour a token of base.css mixes in."""
    found = re.search(rf"--{name}: color-mix\(in srgb, var\([\w-]+\) (\d+)%", BASE)
    assert found is not None, name
    return int(found[1]) / 100


def grounds(colours: dict[str, Any]) -> dict[str, Colour]:
    """What text stands on: the page, panels, the sidebar, and what is pointed at or chosen."""
    page, panel = read(colours["backgroundColor"]), read(colours["secondaryBackgroundColor"])
    sidebar = read(colours["sidebar"]["backgroundColor"])
    primary = read(colours["primaryColor"])
    return {
        "page": page,
        "panel": panel,
        "sidebar": sidebar,
        "field in the sidebar": read(colours["sidebar"]["secondaryBackgroundColor"]),
        "tint": mixed(primary, page, share_in("tint")),
    }


def pairs(mode: str) -> dict[str, tuple[Colour, Colour]]:
    """Text and its ground by a name for both."""
    colours = THEME[mode]
    page, text, primary = (read(colours[f"{name}Color"]) for name in ("background", "text", "primary"))
    there = grounds(colours)
    found = {f"text on {name}": (text, ground) for name, ground in there.items()}
    found |= {f"quiet on {name}": (mixed(text, page, share_in("quiet")), ground) for name, ground in there.items()}
    # Streamlit's captions, labels and placeholders are the text colour at 60 %.
    found |= {f"caption on {name}": (mixed(text, ground, 0.6), ground) for name, ground in there.items()}
    found |= {
        f"link on {name}": (read(colours["linkColor"]), there[name]) for name in ("page", "panel", "sidebar", "tint")
    }
    for state in STATES:
        said, ground = read(colours[f"{state}TextColor"]), read(colours[f"{state}BackgroundColor"])
        found[f"{state} chip"] = (said, ground)
        found[f"text on {state}"] = (text, ground)
        found |= {f"{state} text on {name}": (said, there[name]) for name in ("page", "panel", "sidebar")}
    # The chosen tab, and the chosen part of a segmented control on its tint of 10 %, 20 % where it is pointed at.
    found |= {"primary on page": (primary, page), "primary on panel": (primary, there["panel"])}
    found |= {f"primary on {share:.0%}": (primary, mixed(primary, page, share)) for share in (0.1, 0.2)}
    # In components --on-primary is the ground of the page, in the frame's style sheet the same by name.
    assert "--on-primary: var(--st-background-color)" in BASE
    on_primary = re.search(r"stBaseButton-primary\"\] \{ color: light-dark\((#\w+), (#\w+)\)", FRAME)
    assert on_primary is not None
    assert read(on_primary[MODES.index(mode) + 1]) == page
    found["on primary"] = (page, primary)
    found["on primary in the sidebar"] = (there["sidebar"], primary)
    found["on primary, pointed at"] = (page, mixed(text, primary, 0.12))
    return found


@pytest.mark.parametrize("mode", MODES)
def test_every_text_stands_out(mode: str) -> None:
    pale = {name: round(contrast(*pair), 2) for name, pair in pairs(mode).items() if contrast(*pair) < LEAST}
    assert not pale


@pytest.mark.parametrize(("mode", "state"), list(product(MODES, STATES)))
def test_lines_and_dots_can_be_seen(mode: str, state: str) -> None:
    """What is no text, such as a bar or the edge of a step, needs 3 to 1."""
    colours = THEME[mode]
    for ground in ("backgroundColor", "secondaryBackgroundColor", f"{state}BackgroundColor"):
        assert contrast(read(colours[f"{state}Color"]), read(colours[ground])) >= 3


def test_each_state_has_a_colour_of_its_own() -> None:
    colours = [chip.colour for chip in VIDEO_CHIPS.values()]
    assert len(set(colours)) == len(colours)
    assert set(colours) <= set(STATES)


def test_a_chart_takes_its_colours_from_the_states() -> None:
    for mode in MODES:
        assert THEME[mode]["chartCategoricalColors"] == [
            THEME[mode][f"{state}Color"] for state in ("blue", "violet", "green", "red", "orange", "yellow", "gray")
        ]


def test_what_is_known_of_contrast() -> None:
    black, white = (0.0, 0.0, 0.0), (255.0, 255.0, 255.0)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(white, white) == 1
    assert contrast(read("#818cf8"), white) == pytest.approx(2.98, abs=0.005), "as axe measured it"
