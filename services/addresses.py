"""Where a sign-in comes from, as far as it is counted."""

from __future__ import annotations

import ipaddress

LONGEST = 64  # characters
PREFIX_OF_ONE_SUBSCRIBER = 64  # bits: whoever has one address of IPv6 has all that share them


def counted_as(address: str) -> str:
    """The address whose failures count together with this one's."""
    try:
        read = ipaddress.ip_address(address.strip())
    except ValueError:
        return f"unknown {''.join(filter(str.isprintable, address))[:LONGEST]}"
    if isinstance(read, ipaddress.IPv4Address):
        return str(read)
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    if read.is_loopback:
        return str(read)
    return str(ipaddress.ip_network((int(read), PREFIX_OF_ONE_SUBSCRIBER), strict=False))
