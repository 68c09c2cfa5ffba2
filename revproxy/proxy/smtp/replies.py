"""Our own replies, literal, and what of an internal server's reply its sender may see.

No reply holds anything of an exception, of the configuration, or of the inside: names, addresses and versions of
internal servers are taken out by letting through only words of a fixed list. What breaks the grammar is answered in
`protocols.smtp.refusals`.
"""

from __future__ import annotations

from typing import Final

from revproxy.protocols.smtp import Reply

OK: Final = "250 2.0.0 Ok"
SENDER_OK: Final = "250 2.1.0 Ok"
BYE: Final = "221 2.0.0 Bye"
GO_AHEAD: Final = "354 End data with <CR><LF>.<CR><LF>"
TLS_READY: Final = "220 2.0.0 Ready to start TLS"
NO_VRFY: Final = "252 2.5.0 Send some mail, it will be tried"

PREGREET: Final = "554 5.5.1 Talking before the greeting"
NOT_IMPLEMENTED: Final = "502 5.5.1 Command not implemented"
UNKNOWN: Final = "500 5.5.1 Command not known"
HELO_FIRST: Final = "503 5.5.1 Send EHLO first"
MAIL_FIRST: Final = "503 5.5.1 Send MAIL first"
RCPT_FIRST: Final = "503 5.5.1 Send RCPT first"
NESTED_MAIL: Final = "503 5.5.1 A message is under way"
TLS_ALREADY: Final = "503 5.5.1 TLS is on already"
TLS_NOT_HERE: Final = "502 5.5.1 TLS not available"
NO_ARGUMENT: Final = "501 5.5.4 No argument allowed"
PIPELINED: Final = "503 5.5.1 Command must be the last one of a group"

NO_RELAY: Final = "550 5.7.1 Relaying denied"
UTF8_NOT_INSIDE: Final = "553 5.6.7 SMTPUTF8 is not supported for this recipient"
EIGHTBIT_NOT_INSIDE: Final = "554 5.6.3 Message cannot be delivered as 8-bit data"
UNREADABLE: Final = "554 5.6.0 Message cannot be taken apart"
TOO_MANY_RECIPIENTS: Final = "452 4.5.3 Too many recipients"
OTHER_SERVER: Final = "452 4.5.3 Send this recipient in a message of its own"
TOO_MANY_MESSAGES: Final = "421 4.7.0 Too many messages in one session"
TOO_MANY_ERRORS: Final = "421 4.7.0 Too many errors"
TOO_MANY_COMMANDS: Final = "421 4.7.0 Too many commands"
TOO_MANY_CONNECTIONS: Final = "421 4.7.0 Too many connections, come again"
NO_MEMORY: Final = "452 4.3.1 Not enough room, come again"
TIMEOUT: Final = "421 4.4.2 Timeout"
SESSION_OVER: Final = "421 4.4.2 Session has lasted too long"
GOING_DOWN: Final = "421 4.3.2 Service is restarting, come again"
INTERNAL: Final = "451 4.3.0 Local error, come again"
INSIDE_AWAY: Final = "451 4.4.1 Mail server not available, come again"
INSIDE_LOST: Final = "451 4.4.2 Connection to mail server lost, come again"


def denied(transaction: str) -> str:
    """Refused by inspection."""
    return f"550 5.7.1 Message refused by policy, id {transaction}"


def deferred(transaction: str) -> str:
    """No decision could be made."""
    return f"451 4.7.1 Message could not be checked, come again, id {transaction}"


_CLASS_TEXT: Final = {2: "Ok", 4: "Come again", 5: "Refused"}

_WORDS: Final = frozenset(
    b"""a above accept accepted access account active action address again allowed allocated an and as authentication
    aborted after bad banned be blocked bounced box but busy by cannot closed come command complete connection content
    contains could count currently data deferred delay delayed deliver delivered delivery denied destination
    disabled disk does domain due duplicate envelope error exceeded exceeds exist expired failed failure file
    filter for format found from full greylisted greylisting has have header host id in inactive insufficient
    invalid is it kept later length limit line list local long loop mail mailbox maximum may message messages minutes
    moved must name names no not now number of ok on only or outgoing over overquota pending per permanent permission
    permitted please policy postmaster problem prohibited quarantined queue queued quota rate reached receive
    recipient recipients reject rejected relay relaying removed required resources resume retry seconds see send
    sender sent server service size slow space spam storage such suspended syntax system table temporarily
    temporary than that the this to too try unable unavailable unknown unverified user users valid verified
    verify virtual virus was while will with within without write your""".split()
)
"""Words of replies that tell a sender something and the inside nothing."""
_WORDS_MOST: Final = 24
_NAME_BYTES: Final = 24
_DANGLING: Final = frozenset((b"as", b"by", b"for", b"from", b"id", b"on", b"to", b"with"))
"""What is left of `on mail.inside.example` says nothing."""


def relayed(reply: Reply) -> str:
    """An internal server's reply as the client gets it: its code, its enhanced code, known words of its text.

    421 becomes 451: it speaks of the connection inside, not of the client's. Of 2xx the first digit is all that
    counts (RFC 5321 4.2.1): anything but 250 to 252 would puzzle the client, and means yes.
    """
    code = reply.code
    if code == 421 or not 200 <= code <= 599 or code // 100 == 3:
        return INSIDE_LOST
    if reply.positive and code not in (250, 251, 252):
        code = 250
    klass = code // 100
    enhanced = reply.enhanced.decode("ascii") or f"{klass}.0.0"
    return f"{code} {enhanced} {_words(reply.text) or _CLASS_TEXT[klass]}"


def _words(text: bytes) -> str:
    """Known words, numbers, and the name that a server gave a message: `queued as 4bXyZ`, which helps both sides find
    it in their logs and tells nothing else."""
    words: list[bytes] = []
    for piece in text.split(b" "):
        word = piece.rstrip(b",;:.!")
        known = word.lower() in _WORDS or (word.isdigit() and len(word) <= _NAME_BYTES)
        if known or (words and words[-1] in (b"as", b"id") and word.isalnum() and len(word) <= _NAME_BYTES):
            words.append(word)
        if len(words) == _WORDS_MOST:
            break
    while words and words[-1].lower() in _DANGLING:
        words.pop()
    return b" ".join(words).decode("ascii")
