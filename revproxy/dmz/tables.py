"""An nftables table as plain data: what is printed, and what a listing is compared with.

Rules are texts in the one form in which `nft list` shows them (`listing` turns its JSON into the same), so that what
is printed, what is loaded and what is compared is one thing. Values that stand in braces are in order. Nothing here
knows what a rule is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from revproxy.config.zones import IpNetwork, collapsed

FAMILY = "inet"


@dataclass(frozen=True, slots=True)
class NftSet:
    """A named set: networks that stand in it, or (with `size`) addresses that the kernel notes itself."""

    name: str
    type: str
    elements: tuple[str, ...] = ()
    size: int = 0
    timeout: int = 0
    """Seconds after which a noted address is forgotten; 0: when nothing of it is left."""

    def lines(self) -> Iterator[str]:
        """Its body, a declaration a line."""
        yield f"type {self.type}"
        if self.size:
            yield f"size {self.size}"
            yield "flags dynamic,timeout" if self.timeout else "flags dynamic"
        else:
            yield "flags interval"
        if self.timeout:
            yield f"timeout {self.timeout}s"
        if self.elements:
            yield f"elements = {braces(self.elements)}"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain; with a `hook` packets come to it by themselves."""

    name: str
    rules: tuple[str, ...]
    hook: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of family inet."""

    name: str
    sets: tuple[NftSet, ...]
    chains: tuple[Chain, ...]
    flags: tuple[str, ...] = ()
    """Of a listing only: ours has none. `dormant` would mean that nothing of it is in force."""

    def text(self) -> str:
        """A file for `nft -f`: it replaces the table of this name in one step, and touches no other."""
        head = f"table {FAMILY} {self.name}"
        return "\n".join((head, f"delete {head}", f"{head} {{", "\n\n".join(map(_block, self._blocks())), "}", ""))

    def _blocks(self) -> Iterator[tuple[str, list[str]]]:
        for one in self.sets:
            yield f"set {one.name}", list(one.lines())
        for chain in self.chains:
            yield f"chain {chain.name}", [*([chain.hook] if chain.hook else []), *chain.rules]


def _block(named: tuple[str, list[str]]) -> str:
    name, lines = named
    return "\n".join((f"\t{name} {{", *(f"\t\t{line}" for line in lines), "\t}"))


def braces(words: Iterable[str]) -> str:
    """An nft set of at least one value; a single one stands alone in a rule (`one_of`)."""
    return "{ " + ", ".join(words) + " }"


def one_of(words: Iterable[str]) -> str:
    """What a rule compares with."""
    listed = list(words)
    return listed[0] if len(listed) == 1 else braces(listed)


def addresses(networks: Iterable[IpNetwork]) -> tuple[str, ...]:
    """As few networks as can be, in order, as nft writes them: one address without its length."""
    return tuple(str(n.network_address) if n.prefixlen == n.max_prefixlen else str(n) for n in collapsed(networks))
