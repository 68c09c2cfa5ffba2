"""HTTP/1.1 on the wire, without I/O: a strict gate for heads, chunked bodies, and writers (RFC 9112)."""

from revproxy.protocols.http1.chunked import LAST_CHUNK, ChunkedReader, encode_chunk
from revproxy.protocols.http1.codings import CodedReader
from revproxy.protocols.http1.head import Framing, body_framing, parse_request, parse_response
from revproxy.protocols.http1.heads import RequestHead, ResponseHead
from revproxy.protocols.http1.write import (
    FieldWriter,
    request_head,
    response_head,
    status_line,
    write_request,
    write_response,
)

__all__ = [
    "LAST_CHUNK",
    "ChunkedReader",
    "CodedReader",
    "FieldWriter",
    "Framing",
    "RequestHead",
    "ResponseHead",
    "body_framing",
    "encode_chunk",
    "parse_request",
    "parse_response",
    "request_head",
    "response_head",
    "status_line",
    "write_request",
    "write_response",
]
