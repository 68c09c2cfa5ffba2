"""What a command or message that breaks the grammar is answered: (reply, reason for logs), literal.

Replies that depend on the state of a session stand in `proxy/smtp/replies.py`, not here.
"""

from __future__ import annotations

from typing import Final

from revproxy.errors import SmtpError

Refusal = tuple[str, str]

BAD_LINE: Final[Refusal] = ("500 5.5.2 Bare CR, bare LF or NUL in a command", "bare-control")
LONG_LINE: Final[Refusal] = ("500 5.5.2 Command line too long", "command-too-long")
BAD_COMMAND: Final[Refusal] = ("500 5.5.2 Command not understood", "bad-command")
BAD_HELO: Final[Refusal] = ("501 5.5.4 Not a host name or address literal", "bad-helo")
BAD_MAIL: Final[Refusal] = ("501 5.5.4 Syntax: MAIL FROM:<address> [parameters]", "bad-mail")
BAD_RCPT: Final[Refusal] = ("501 5.5.4 Syntax: RCPT TO:<address>", "bad-rcpt")
BAD_SENDER: Final[Refusal] = ("553 5.1.7 Bad sender address", "bad-sender")
BAD_RECIPIENT: Final[Refusal] = ("553 5.1.3 Bad recipient address", "bad-recipient")
BAD_PARAMETER: Final[Refusal] = ("501 5.5.4 Bad value of a parameter", "bad-parameter")
UNKNOWN_PARAMETER: Final[Refusal] = ("555 5.5.4 Parameter not supported", "unknown-parameter")
NEEDS_UTF8: Final[Refusal] = ("553 5.6.7 Address needs SMTPUTF8", "needs-smtputf8")
BARE_IN_DATA: Final[Refusal] = ("550 5.6.0 Bare CR, bare LF or NUL in the message", "bare-in-data")
LONG_DATA_LINE: Final[Refusal] = ("550 5.6.0 Line too long in the message", "data-line-too-long")
TOO_BIG: Final[Refusal] = ("552 5.3.4 Message too big", "message-too-big")


def refuse(refusal: Refusal) -> SmtpError:
    """The error for a row of this table."""
    return SmtpError(*refusal)
