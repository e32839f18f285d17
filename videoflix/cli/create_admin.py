"""``createadmin``."""

import sys

import click

from videoflix.accounts.addresses import parse_address
from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.errors import Conflict
from videoflix.settings import Settings


@click.command("createadmin")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--if-missing", is_flag=True, help="Leave an account that is there as it is.")
@pass_state
def create_admin(state: State, email: str, *, password_stdin: bool, if_missing: bool) -> None:
    """Make an account that may upload films.

    The password is asked for, or read from standard input; never given as an argument, where
    every user of the machine could read it. With --if-missing an empty one makes no account, and
    is no error: at later starts it may be gone from where it was kept.
    """
    settings = state.load()
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if run_command(lambda _: _create(settings, email, password, if_missing=if_missing)):
        raise SystemExit(EXIT_INTERRUPTED)


async def _create(settings: Settings, email: str, password: str, *, if_missing: bool) -> None:
    address = parse_address(email)
    async with command_container(settings) as container:
        if await container.users.find_by_email(address.folded):
            known = f"{address.typed} has an account already"
            if not if_missing:
                raise Conflict(known)
            click.echo(f"{known}; it stays as it is.")
            return
        if if_missing and not password:
            click.echo(f"{address.typed} has no account, and none is made: the password is empty.")
            return
        user = await container.accounts.create(email, password, is_staff=True)
    click.echo(f"Made the admin {user.email} (id {user.id}).")
