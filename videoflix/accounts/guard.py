"""Who makes a request: checks access tokens without asking the database.

A token is valid by its signature, its times and by not belonging to a revoked session.
"""

from videoflix.accounts.revocations import Revocations
from videoflix.accounts.tokens import Tokens
from videoflix.errors import ServiceUnavailable, Unauthenticated
from videoflix.models import Principal

STALE_SECONDS = 60.0


class Guard:
    def __init__(
        self, tokens: Tokens, revocations: Revocations, *, stale: float = STALE_SECONDS
    ) -> None:
        self._tokens = tokens
        self._revocations = revocations
        self._stale = stale

    def authenticate(self, token: str | None) -> Principal:
        """The maker of a request, from its access token.

        Raises Unauthenticated, and ServiceUnavailable when the store of revocations has not been
        heard for ``stale`` seconds: an answer could then be given to somebody who was signed out.
        """
        if not token:
            raise Unauthenticated("Authentication credentials were not provided.")
        principal = self._tokens.check_access(token)
        self.check(principal)
        return principal

    def check(self, principal: Principal) -> None:
        """Ask again about the maker of a request that takes long, whose token may be over by now:
        raises what ``authenticate`` raises where the session has ended."""
        if principal.session_id in self._revocations:
            raise Unauthenticated("This session has ended.")
        if self._revocations.age > self._stale:
            raise ServiceUnavailable("Sessions cannot be checked at the moment.")
