"""Addresses that one subscriber may choose from count as one."""

from __future__ import annotations

import pytest

from services.addresses import counted_as


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::1"),
        ("", "unknown "),
        ("testclient\x00" + "x" * 100, "unknown testclient" + "x" * 54),
    ],
)
def test_what_counts_together(address: str, counted: str) -> None:
    assert counted_as(address) == counted
