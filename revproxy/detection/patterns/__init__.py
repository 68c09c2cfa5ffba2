"""Patterns: regular expressions over bytes as trees of our own, read once, changed exactly, written for matchers."""

from revproxy.detection.patterns.errors import PatternError, UnjoinableError
from revproxy.detection.patterns.lines import strict
from revproxy.detection.patterns.operations import (
    bare,
    has_place,
    intersect,
    matches_empty,
    max_length,
    min_length,
    preimage,
    separator_safe,
    size,
    trim,
)
from revproxy.detection.patterns.parser import RX, Flags, parse
from revproxy.detection.patterns.tree import Node, literal
from revproxy.detection.patterns.writers import to_hyperscan, to_re2

__all__ = [
    "RX",
    "Flags",
    "Node",
    "PatternError",
    "UnjoinableError",
    "bare",
    "has_place",
    "intersect",
    "literal",
    "matches_empty",
    "max_length",
    "min_length",
    "parse",
    "preimage",
    "separator_safe",
    "size",
    "strict",
    "to_hyperscan",
    "to_re2",
    "trim",
]
