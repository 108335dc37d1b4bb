"""A TLS front for a server that speaks none, in threads of this process; and certificates, made by `openssl`."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OPENSSL: Final = shutil.which("openssl")


@dataclass(frozen=True)
class Authority:
    """Whoever signs certificates."""

    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path, name: str) -> Authority:
        authority = cls(folder / f"{name}.pem", folder / f"{name}.key")
        _openssl("-x509", "-keyout", authority.key, "-out", authority.certificate, "-subj", f"/CN={name}")
        return authority

    def certificate_for(self, host: str) -> tuple[Path, Path]:
        """A certificate and its key."""
        certificate, key = (self.certificate.with_name(f"{host}.{kind}") for kind in ("pem", "key"))
        signed = ("-CA", self.certificate, "-CAkey", self.key, "-addext", f"subjectAltName=DNS:{host}")
        _openssl("-x509", *signed, "-keyout", key, "-out", certificate, "-subj", f"/CN={host}")
        return certificate, key


def _openssl(*arguments: str | Path) -> None:
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    assert OPENSSL is not None
    subprocess.run([OPENSSL, "req", *curve, *arguments], check=True, capture_output=True, timeout=60)


@contextmanager
def tls_terminator(certificate: Path, key: Path, target: Path) -> Iterator[int]:
    """Listens on a port of 127.0.0.1, which is yielded, and passes all on to the socket `target`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, target), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Closing alone would not wake who waits in accept().
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, context, target), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, target: Path) -> None:
    with suppress(OSError), client, socket.socket(socket.AF_UNIX) as server:
        secure = context.wrap_socket(client, server_side=True)
        server.connect(str(target))
        back = threading.Thread(target=_pass_on, args=(server, secure), daemon=True)
        back.start()
        _pass_on(secure, server)
        back.join(60)
        secure.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Until the source ends; then the sink is told so."""
    with suppress(OSError):
        while piece := source.recv(2**16):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
