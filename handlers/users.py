"""Accounts, as admins see them."""

import re
from typing import Any

from pydantic import Field

from handlers.base import BaseHandler
from handlers.query import PageQuery, Search, page_numbers, parse_query
from handlers.schemas import Empty
from handlers.shapes import timestamp
from videoflix.errors import NotFound
from videoflix.models import User

_ID = re.compile(r"[1-9][0-9]{0,9}")


class UserListQuery(PageQuery):
    """Which part of the list."""

    search: Search = Field("", description="Words: each must be in the address.")


def _user_id(text: str) -> int:
    """The id in a path. Raises NotFound for what never is one."""
    if not _ID.fullmatch(text):
        raise NotFound("There is no such account.")
    return int(text)


def _account(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
    }


class UsersHandler(BaseHandler):
    async def get(self) -> None:
        wanted = parse_query(UserListQuery, self.request.query_arguments)
        skip = (wanted.page - 1) * wanted.page_size
        members = self.container.members
        found = await members.page(wanted.search, skip=skip, limit=wanted.page_size)
        following, previous = page_numbers(wanted.page, wanted.page_size, found.count)
        self.answer(
            {
                "count": found.count,
                "next": following,
                "previous": previous,
                "results": [
                    {
                        **_account(user),
                        "created_at": timestamp(user.created_at),
                        "lapses_at": timestamp(user.lapses_at) if user.lapses_at else None,
                        "last_sign_in": timestamp(last) if last else None,
                    }
                    for user, last in found.members
                ],
            }
        )


class UserDisableHandler(BaseHandler):
    async def post(self, user: str) -> None:
        self.body_as(Empty)
        members = self.container.members
        self.answer(_account(await members.disable_other(self.principal, _user_id(user))))


class UserEnableHandler(BaseHandler):
    async def post(self, user: str) -> None:
        self.body_as(Empty)
        self.answer(_account(await self.container.members.enable_other(_user_id(user))))
