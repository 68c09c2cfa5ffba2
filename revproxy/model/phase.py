"""When, in the life of a transaction, a rule runs. The numbers are those of SecLang."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Phase(IntEnum):
    """The words fit both protocols: mail's HEAD is the envelope, its BODY the message."""

    HEAD = 1
    BODY = 2
    REPLY_HEAD = 3
    REPLY_BODY = 4
    LOG = 5


class Protocol(StrEnum):
    """What a transaction travels over; a rule names those that it is for."""

    HTTP = "http"
    SMTP = "smtp"
