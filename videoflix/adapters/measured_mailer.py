"""A mailer that tells how it goes."""

import time

from videoflix.ports import Mail, Mailer
from videoflix.ports.measures import MailMeasures


class MeasuredMailer:
    """Implements ``videoflix.ports.Mailer`` by another one."""

    def __init__(self, mailer: Mailer, measures: MailMeasures) -> None:
        self._mailer = mailer
        self._measures = measures

    async def send(self, mail: Mail) -> None:
        began = time.perf_counter()
        is_sent = False
        try:
            await self._mailer.send(mail)
            is_sent = True
        finally:
            self._measures.mail(time.perf_counter() - began, is_sent=is_sent)
