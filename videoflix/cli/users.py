"""``users``: a look at the accounts, and an end to some of them."""

from collections.abc import Coroutine, Sequence
from typing import Any

import click

from videoflix.accounts.addresses import parse_address
from videoflix.cli.context import State, command_container, pass_state
from videoflix.cli.running import EXIT_INTERRUPTED, run_command
from videoflix.container import Container
from videoflix.errors import NotFound
from videoflix.models import User
from videoflix.settings import Settings

email_argument = click.argument("email")


@click.group()
def users() -> None:
    """List accounts; disable, enable or delete one."""


@users.command("list")
@pass_state
def list_users(state: State) -> None:
    """Every account: id, role, state, when it was made, address."""
    settings = state.load()
    _run(_list(settings))


@users.command()
@email_argument
@pass_state
def disable(state: State, email: str) -> None:
    """Keep an account, but let nobody in: ends its sessions everywhere, within seconds."""
    settings = state.load()
    _run(_disable(settings, email))


@users.command()
@email_argument
@pass_state
def enable(state: State, email: str) -> None:
    """Let an account in again, or for the first time without its mail."""
    settings = state.load()
    _run(_enable(settings, email))


@users.command()
@email_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def delete(state: State, email: str, yes: bool) -> None:
    """Delete an account for good, and end its sessions everywhere."""
    settings = state.load()
    if not yes:
        click.confirm(f"Delete the account of {email} for good?", abort=True)
    _run(_delete(settings, email))


def _run(work: Coroutine[Any, Any, None]) -> None:
    if run_command(lambda _: work):
        raise SystemExit(EXIT_INTERRUPTED)


def _state(user: User) -> str:
    if user.is_active:
        return "active"
    return "not-activated" if user.lapses_at else "disabled"


def _rows(found: Sequence[User]) -> list[tuple[str, ...]]:
    return [
        (
            str(user.id),
            "admin" if user.is_staff else "member",
            _state(user),
            f"{user.created_at:%Y-%m-%d}",
            user.email,
        )
        for user in found
    ]


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows in columns, two spaces between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


async def _named(container: Container, email: str) -> User:
    user = await container.users.find_by_email(parse_address(email).folded)
    if user is None:
        raise NotFound(f"{email} has no account")
    return user


async def _list(settings: Settings) -> None:
    async with command_container(settings) as container:
        found = await container.members.list_all()
    click.echo(table([("id", "role", "state", "made", "email"), *_rows(found)]))


async def _disable(settings: Settings, email: str) -> None:
    async with command_container(settings) as container:
        user = await _named(container, email)
        await container.members.disable(user.id)
    click.echo(f"Disabled {user.email} (id {user.id}).")


async def _enable(settings: Settings, email: str) -> None:
    async with command_container(settings) as container:
        user = await _named(container, email)
        await container.members.enable(user.id)
    click.echo(f"Enabled {user.email} (id {user.id}).")


async def _delete(settings: Settings, email: str) -> None:
    async with command_container(settings) as container:
        user = await _named(container, email)
        await container.members.delete(user.id)
    click.echo(f"Deleted {user.email} (id {user.id}).")
