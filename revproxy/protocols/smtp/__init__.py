"""SMTP without I/O: commands, addresses, replies, and the framing of message data (RFC 5321)."""

from revproxy.protocols.smtp.address import Address, Path, parse_path
from revproxy.protocols.smtp.command import Command, MailFrom, RcptTo, parse_command, parse_mail, parse_rcpt
from revproxy.protocols.smtp.data import DataReader, stuffed, unstuff
from revproxy.protocols.smtp.reply import Reply, ReplyReader

__all__ = [
    "Address",
    "Command",
    "DataReader",
    "MailFrom",
    "Path",
    "RcptTo",
    "Reply",
    "ReplyReader",
    "parse_command",
    "parse_mail",
    "parse_path",
    "parse_rcpt",
    "stuffed",
    "unstuff",
]
