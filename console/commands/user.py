"""`user add NAME --role ROLE`: add a user and print the one-time password."""

from __future__ import annotations

import argparse

from console import configuration
from console.terminal import say
from services import bootstrap
from services.model import Role
from services.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="add a user; prints a one-time password")
    add.add_argument("name")
    add.add_argument("--role", type=Role, choices=list(Role), default=Role.CREATOR)


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    services = bootstrap.build(configuration.connected(settings))
    password = services.accounts.create_user(arguments.name, arguments.role)
    say(f"{arguments.name} ({arguments.role}) signs in with the one-time password {password} (shown only now).")
    return 0
