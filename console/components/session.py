"""Signing in and out: the cookie that a script run cannot set."""

from __future__ import annotations

from console.components import component

_exchange_ticket = component("exchange_ticket")
_sign_out = component("sign_out")


def exchange_ticket(ticket: str, *, leads_to: str | None = None) -> None:
    """Exchanges a one-time ticket for the session cookie, then loads the page again, or an address in its place."""
    _exchange_ticket(data={"ticket": ticket, "leads_to": leads_to}, key="exchange_ticket")


def sign_out_button(*, stays: bool = False) -> None:
    """A button that ends the session and leads to the sign-in page; stays: at the same address."""
    _sign_out(data={"stays": stays}, key="sign_out")
