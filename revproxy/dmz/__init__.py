"""Floor 7: firewall rules from the configuration, for both sides of the DMZ and for this machine, and whether they
are in force.

`flows` says who may begin what, `owners` which user on this machine, `layouts` which machine sees it, `tables` how it
is written, `listing` reads what nft says, `compare` tells the difference. Nothing here loads a rule: that is the
administrator's to do.
"""

from revproxy.dmz.compare import differences
from revproxy.dmz.flows import Flow, Flows, Way, declared
from revproxy.dmz.layouts import Layout, Role, heading, table
from revproxy.dmz.listing import in_force, table_of
from revproxy.dmz.owners import Owners, owners
from revproxy.dmz.tables import Chain, NftSet, Table

__all__ = [
    "Chain",
    "Flow",
    "Flows",
    "Layout",
    "NftSet",
    "Owners",
    "Role",
    "Table",
    "Way",
    "declared",
    "differences",
    "heading",
    "in_force",
    "owners",
    "table",
    "table_of",
]
