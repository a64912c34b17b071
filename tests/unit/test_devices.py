"""A session is named by what its owner would call the device."""

from __future__ import annotations

import subprocess
import sys

import pytest

from services.devices import device_name

LINUX = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (LINUX, "Chrome on Linux"),
        (WINDOWS, "Firefox on Windows"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("test", "Unknown device"),
        ("<script>alert(1)</script>" * 20, "Unknown device"),
    ],
)
def test_names(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def test_nothing_that_few_ask_for_is_loaded_at_the_start() -> None:
    script = "import sys, services.bootstrap; assert not {'ua_parser', 'zxcvbn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
