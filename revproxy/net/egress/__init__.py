"""Connections from a process that may connect, handed to processes that may not.

    worker (`client`)  --request: number of a target-->  broker (`service`)  --connects-->  declared target
                       <--answer with the connected socket--

`wire` has the messages, `targets` what may be asked for, `addresses` where a name leads. Nothing of this reads or
writes a byte of a connection.
"""

from revproxy.net.egress.addresses import is_name
from revproxy.net.egress.client import EgressClient
from revproxy.net.egress.dialer import BrokerDialer
from revproxy.net.egress.passing import receive
from revproxy.net.egress.service import Broker
from revproxy.net.egress.targets import Kind, Target, as_plain, from_plain, log_target, targets_of

__all__ = [
    "Broker",
    "BrokerDialer",
    "EgressClient",
    "Kind",
    "Target",
    "as_plain",
    "from_plain",
    "is_name",
    "log_target",
    "receive",
    "targets_of",
]
