"""Files are immutable, inside their folder, and swept when no row names them."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import NotFound, Unavailable
from services.names import clean_file_name, clean_title
from services.storage import LocalStorage, translated_disk_errors


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def test_a_kept_file_is_never_overwritten(storage: LocalStorage, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(b"one")
    assert storage.keep(made, "video/1-1/clip") == 3
    made.write_bytes(b"two")
    with pytest.raises(FileExistsError):
        storage.keep(made, "video/1-1/clip")
    assert storage.path("video/1-1/clip").read_bytes() == b"one"


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "a/../../../b", "no/such"])
def test_nothing_outside_is_read(storage: LocalStorage, key: str) -> None:
    with pytest.raises(NotFound):
        storage.path(key)


def test_knows_the_room_on_its_disk(storage: LocalStorage, tmp_path: Path) -> None:
    disk = os.statvfs(tmp_path)
    room = storage.room()
    assert room.size == disk.f_blocks * disk.f_frsize
    assert 0 < room.free <= room.size


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_disk_is_told_plainly(code: int) -> None:
    with pytest.raises(Unavailable, match="free some room"), translated_disk_errors():
        raise OSError(code, "no room")


def test_old_files_are_found_and_dropped(storage: LocalStorage, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_bytes(b"x")
    storage.keep(made, "video/1-1/old")
    storage.keep(made, "video/2-1/new")
    os.utime(storage.path("video/1-1/old"), (0, 0))
    assert list(storage.older_than(60)) == ["video/1-1/old"]
    storage.drop("video/1-1/old")
    assert list(storage.older_than(60)) == []
    incoming = uuid4()
    storage.incoming(incoming).write_bytes(b"x")
    assert list(storage.incoming_older_than(-1)) == [incoming]


@given(st.text(max_size=400))
def test_names_are_safe_to_show_and_to_save(name: str) -> None:
    cleaned = clean_file_name(name)
    assert "/" not in cleaned
    assert "\\" not in cleaned
    assert cleaned
    assert len(cleaned.encode()) <= 255
    assert cleaned.isprintable()
    assert clean_title(name, cleaned).isprintable()


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\videos\\talk.mp4", "talk.mp4"),
        ("🎬 talk.mp4", "🎬 talk.mp4"),
        ("a\u202emp4.exe", "amp4.exe"),
        ("=cmd|' /C calc'!A0.mp4", "C calc'!A0.mp4"),
        ("\x00\n", "video"),
        ("é" * 300, "é" * 127),
    ],
)
def test_names_people_send(name: str, cleaned: str) -> None:
    assert clean_file_name(name) == cleaned
