"""Signing in and out: the cookie that a script run cannot set."""

from __future__ import annotations

from console.components import component

_exchange_ticket = component("exchange_ticket")
_sign_out = component("sign_out")


def exchange_ticket(ticket: str) -> None:
    """Exchanges a one-time ticket for the session cookie, then loads the page again."""
    _exchange_ticket(data={"ticket": ticket}, key="exchange_ticket")


def sign_out_button() -> None:
    """A button that ends the session and leads to the sign-in page."""
    _sign_out(key="sign_out")
