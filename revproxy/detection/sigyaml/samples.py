"""Samples: values of a transaction that a signature must match, or must let pass.

`read_samples` reads them from a document; `transaction` makes the transaction that the engine is given. A value
that begins with `base64:` is decoded, for bytes that YAML text cannot hold.
"""

from __future__ import annotations

from base64 import b64decode

from yaml.nodes import MappingNode, Node, SequenceNode

from revproxy.detection.rules import FIELDS
from revproxy.detection.sigyaml.document import Document, near
from revproxy.detection.sigyaml.tree import Sample, Values
from revproxy.model import Protocol, Transaction

ENCODED = "base64:"
_PART_OF = {"args.get": "args", "args.post": "args"}
"""Fields whose values stand in another field too."""


def read_samples(
    document: Document, node: Node, protocols: frozenset[Protocol]
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """(samples that must match, samples that must pass), at least one of each."""
    lists: dict[str, tuple[Sample, ...]] = {"match": (), "pass": ()}
    before = len(document.errors)
    for key, (key_node, value) in document.mapping(node, "`samples`").items():
        if key not in lists:
            document.wrong(key_node, f"unknown key `{key}` in `samples`", "one of: match, pass")
            continue
        read = (_sample(document, item, protocols) for item in document.items(value, f"samples `{key}`"))
        lists[key] = tuple(s for s in read if s is not None)
    missing = [key for key, found in lists.items() if not found]
    if missing and len(document.errors) == before:
        document.wrong(node, f"no samples under {' and '.join(f'`{m}`' for m in missing)}")
    return lists["match"], lists["pass"]


def _sample(document: Document, node: Node, protocols: frozenset[Protocol]) -> Sample | None:
    fields = []
    able = set(protocols)
    for name, (key_node, value) in document.mapping(node, "a sample").items():
        spec = FIELDS.get(name)
        derived = name.endswith(".names") and name.removesuffix(".names") in FIELDS
        if spec is None or derived:
            hint = "names are the keys of the field itself" if derived else near(name, FIELDS)
            document.wrong(key_node, f"unknown field `{name}` in a sample", hint)
            continue
        able &= spec.protocols
        if not able:
            document.wrong(key_node, f"field `{name}` does not go with the others: no protocol fills them all")
            return None
        fields.append((name, _values(document, value, spec.keyed)))
    if not fields:
        return None
    return Sample(min(able), tuple(fields), document.where(node))


def _values(document: Document, node: Node, keyed: bool) -> Values:
    if not isinstance(node, MappingNode):
        return tuple((b"", v) for v in _list(document, node))
    if not keyed:
        document.wrong(node, "this field has no keys: write its value, or a list of values")
        return ()
    entries = document.mapping(node, "a field of a sample")
    return tuple((_bytes(document, kn), v) for kn, vn in entries.values() for v in _list(document, vn))


def _list(document: Document, node: Node) -> list[bytes]:
    if isinstance(node, SequenceNode):
        return [_bytes(document, item) for item in document.items(node, "values of a sample")]
    return [_bytes(document, node)]


def _bytes(document: Document, node: Node) -> bytes:
    text = document.raw(node, "a value of a sample") or ""
    if not text.startswith(ENCODED):
        return text.encode()
    try:
        return b64decode(text.removeprefix(ENCODED), validate=True)
    except ValueError:
        document.wrong(node, "this is not base64", "", len(ENCODED))
        return b""


def transaction(sample: Sample) -> Transaction:
    """A fresh transaction with the sample's values; keys of header fields in lower case, as on the wire."""
    tx = Transaction("sample", sample.protocol)
    for name, pairs in sample.fields:
        keyed = FIELDS[name].keyed
        lower = keyed and FIELDS[name].klass == "header"
        keys = [k.lower() if lower else k for k, _ in pairs] if keyed else []
        values = [v for _, v in pairs]
        tx.fields.put(name, values, keys)
        if name in _PART_OF:
            tx.fields.add(_PART_OF[name], values, keys)
    return tx
