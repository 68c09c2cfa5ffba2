"""Floor 5: listeners, TLS, streams, pools of upstream connections, and the caps on all of them."""

from revproxy.net.caps import Budget, Connections, Lease
from revproxy.net.dialer import Dialer, DirectDialer, starttls
from revproxy.net.linger import linger
from revproxy.net.listener import Acceptor, StreamListener
from revproxy.net.peer import TlsInfo
from revproxy.net.pool import Pool
from revproxy.net.spool import Spool
from revproxy.net.stream import Stream
from revproxy.net.tls import server_context

__all__ = [
    "Acceptor",
    "Budget",
    "Connections",
    "Dialer",
    "DirectDialer",
    "Lease",
    "Pool",
    "Spool",
    "Stream",
    "StreamListener",
    "TlsInfo",
    "linger",
    "server_context",
    "starttls",
]
