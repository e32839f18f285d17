"""Counts what a server asks its database on behalf of requests."""

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

COLLECTIONS = ("users", "sessions", "counters", "reset_mails")


def _is_background(event: CommandStartedEvent, collection: object) -> bool:
    """The poll of revoked sessions, and the sender's look for reset mails."""
    if collection == "sessions":
        return "revoked_at" in event.command.get("filter", {})
    return collection == "reset_mails" and event.command_name == "findAndModify"


class Queries(CommandListener):
    """Hand it to ``open_container``: it hears of that container's commands alone."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        about = event.command.get(event.command_name)
        if about in COLLECTIONS and not _is_background(event, about):
            self.seen.append(f"{event.command_name} {about}")

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def take(self) -> list[str]:
        """What was asked since the last call."""
        seen, self.seen = self.seen, []
        return seen
