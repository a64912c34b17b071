"""What the supervised processes say: into one file each, and on the terminal with the name before every line."""

from __future__ import annotations

import contextlib
import itertools
import logging
import logging.handlers
import subprocess
import sys
import threading
from pathlib import Path

FILE_SIZE = 10 * 1024 * 1024  # bytes; one older file is kept
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI foreground colours that read on dark and light


class ChildLogs:
    """One file per process name in the folder. echo repeats every line on standard output."""

    def __init__(self, folder: Path, *, echo: bool) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._echo = echo
        self._files: dict[str, logging.handlers.RotatingFileHandler] = {}
        self._prefixes: dict[str, str] = {}
        self._colours = itertools.cycle(COLOURS)

    def follow(self, name: str, process: subprocess.Popen[bytes]) -> None:
        """Copy the process's output until the last holder of its pipe is gone, in a thread."""
        if name not in self._files:
            self._files[name] = logging.handlers.RotatingFileHandler(
                self.folder / f"{name}.log", maxBytes=FILE_SIZE, backupCount=1, encoding="utf-8"
            )
            colour = next(self._colours)
            self._prefixes[name] = f"\033[{colour}m{name:>10} │\033[0m" if sys.stdout.isatty() else f"{name:>10} |"
        threading.Thread(target=self._copy, args=(name, process), name=f"log of {name}", daemon=True).start()

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _copy(self, name: str, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                text = line.decode(errors="replace").rstrip("\n")
                record = logging.LogRecord(name, logging.INFO, "", 0, text, None, None)
                self._files[name].handle(record)
                if self._echo:
                    with contextlib.suppress(OSError):  # a closed terminal stops no work
                        sys.stdout.write(f"{self._prefixes[name]} {text}\n")
                        sys.stdout.flush()
