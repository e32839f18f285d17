"""Whether the database driver takes a URL, and the database the account in it, said without
quoting it: it may hold a password."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo import MongoClient
from pymongo.errors import ConfigurationError as PyMongoConfigurationError

from videoflix.errors import ConfigurationError

# By the server's error codes: Unauthorized, AuthenticationFailed.
REFUSALS = {
    13: "the database does not let this account read and write",
    18: "the database answers, but does not accept the user or the password",
}


@contextmanager
def refusal_in_one_line() -> Iterator[None]:
    """Make a client inside of this. Raises ConfigurationError for a URL that it refuses."""
    try:
        yield
    except (PyMongoConfigurationError, ValueError) as error:
        raise ConfigurationError("mongo.uri: not a URL that the database driver takes") from error


def check_mongo_url(uri: str) -> None:
    """Make a client that connects to nothing and looks up no name. Raises ConfigurationError."""
    with (
        refusal_in_one_line(),
        MongoClient[dict[str, object]](uri, connect=False, w="majority", journal=True),
    ):
        pass
