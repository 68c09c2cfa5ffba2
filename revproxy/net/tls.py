"""TLS towards the outside: one context for each certificate, chosen by the name that the client asks for.

Everything is read and checked here once, before the first accept. TLS 1.2 at least, no compression, no renegotiation.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

from revproxy.config.settings import Certificate, ListenerTls
from revproxy.errors import ConfigError, Location

_MINIMUM: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def server_context(tls: ListenerTls, alpn: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """The context of a listener. Raises ConfigError that names the file at fault.

    A name is looked for exactly, then as a wildcard of its parent; clients that ask for another name, or for none,
    get the first certificate. The name asked for is kept for `net.peer.TlsInfo`.
    """
    exact: dict[str, ssl.SSLContext] = {}
    contexts = []
    for certificate in tls.certificates:
        context = _context(certificate, tls.minimum, alpn)
        contexts.append(context)
        for name in certificate.names or certificate_names(certificate.certificate):
            exact.setdefault(name.lower().rstrip("."), context)
    if not contexts:
        raise ConfigError("no certificate for a TLS listener", Location(""))

    def choose(secured: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        asked = (name or "").lower().rstrip(".")
        # The standard library keeps no record of the name on a server's side.
        setattr(secured, "revproxy_sni", asked)  # noqa: B010 - an attribute that the type does not declare
        context = exact.get(asked) or exact.get("*." + asked.partition(".")[2])
        if context is not None:
            secured.context = context

    contexts[0].sni_callback = choose
    return contexts[0]


def certificate_names(path: str) -> list[str]:
    """The DNS names and addresses in a PEM file's first certificate, lower case. Raises ConfigError."""
    # Imported here: a library of 10 MB, for those who have certificates.
    from cryptography import x509

    try:
        with open(path, "rb") as file:
            certificate = x509.load_pem_x509_certificate(file.read())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except (OSError, ValueError) as error:
        raise ConfigError(f"certificate cannot be read: {error}", Location(path)) from None
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [name.lower() for name in (*names.get_values_for_type(x509.DNSName), *addresses)]


def _context(certificate: Certificate, minimum: str, alpn: Sequence[str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if minimum not in _MINIMUM:
        raise ConfigError(f"TLS version {minimum!r} is not one of {', '.join(_MINIMUM)}", Location(""))
    context.minimum_version = _MINIMUM[minimum]
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    try:
        # The password callback keeps OpenSSL from asking on the terminal for an encrypted key.
        context.load_cert_chain(certificate.certificate, certificate.key, password=lambda: b"")
    except (OSError, ssl.SSLError, ValueError) as error:
        where = f"{certificate.certificate} with key {certificate.key}"
        raise ConfigError(
            f"certificate cannot be used: {where}: {error}", Location(certificate.certificate)
        ) from None
    return context
