"""TLS contexts out of files. All of them are looked at when the connector starts, and what is wrong is named by file.

TLS 1.2 is the oldest version that is spoken (RFC 8996 has put away those before it).
"""

from __future__ import annotations

import ssl
import time
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from connectors.tls.config import ClientTls, ServerTls
from connectors.tls.secrets import ALL, read_secret
from pipeline.errors import ConfigError

log = structlog.get_logger()


def server_context(tls: ServerTls) -> ssl.SSLContext | None:
    """For a listener; None without TLS. Raises ConfigError for a file that cannot be used."""
    if not tls.on:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _present(context, tls.certificate, tls.key)
    if tls.client_ca:
        _trust(context, tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: ClientTls) -> ssl.SSLContext:
    """For a connection to a broker, whose name and certificate are verified. Raises ConfigError as above."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.ca:
        _trust(context, tls.ca)
    else:
        context.load_default_certs()
    if tls.certificate:
        _present(context, tls.certificate, tls.key)
    return context


def check_client_files(tls: ClientTls) -> None:
    """For clients that read the files themselves: raises ConfigError where they would only say that it failed."""
    client_context(tls)


def _trust(context: ssl.SSLContext, file: str) -> None:
    _certificates(file)
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise _unusable(file, str(error)) from error


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    chain = _certificates(certificate)
    _check_key(chain[0], certificate, key)
    try:
        # Without a word for the key OpenSSL would ask for one at the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise _unusable(certificate, str(error)) from error
    if chain[0].not_valid_after_utc.timestamp() < time.time():
        log.warning("the certificate has expired: others will refuse it", file=certificate)


def _certificates(file: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(file).read_bytes())
    except OSError as error:
        raise _unusable(file, str(error)) from error
    except ValueError as error:
        raise _unusable(file, "there is no certificate in it (PEM)") from error


def _check_key(certificate: x509.Certificate, file: str, key: str) -> None:
    octets = read_secret(Path(key), ALL)
    try:
        private = load_pem_private_key(octets, None)
    except TypeError as error:
        raise _unusable(key, "the key is encrypted, and nobody is asked for its password") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(key, "there is no private key in it (PEM)") from error
    # Both as DER: keys of all algorithms are compared so.
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ConfigError(
            "TLS_KEY_OTHER", where=key, what=f"it is not the key of the certificate in {file}",
            do="name the key that the certificate was made for",
        )  # fmt: skip


def _unusable(file: str, what: str) -> ConfigError:
    return ConfigError("TLS_FILE", where=file, what=what, do="name a readable file in PEM, or take TLS out")
