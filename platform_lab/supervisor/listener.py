"""Where the stack listens: the socket itself, and every address under which people reach it."""

import contextlib
import errno
import socket
import struct
import sys

from platform_lab import environment

BACKLOG = 512
SIOCGIFADDR = 0x8915


class CannotListen(Exception):
    """Its text is one sentence for the person at the terminal."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. The supervisor keeps it open, so connections wait while the web process restarts.

    Raises CannotListen with the reason and the fix.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(reason(error, host, port)) from error
    return listener


def reason(error: OSError, host: str, port: int) -> str:
    """One sentence for each way in which listening fails."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return (
            f"Port {port} is taken by another program: stop it, or choose another port: PORT={other} make run"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights than you have: choose one above 1023: PORT=8000 make run"
    return f"This machine cannot listen on HOST={host}: use 127.0.0.1, 0.0.0.0 or one of its own addresses."


def addresses() -> list[str]:
    """The machine's own IPv4 addresses, loopback excluded, in a stable order."""
    found = {*_interface_addresses(), *_named_addresses(), _outgoing_address()}
    return sorted((item for item in found if item and not item.startswith("127.")), key=socket.inet_aton)


def _interface_addresses() -> list[str]:
    if sys.platform != "linux":
        return []
    import fcntl

    result = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # an interface without an IPv4 address
                request = struct.pack("256s", name.encode()[:15])
                answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)
                result.append(socket.inet_ntoa(answer[20:24]))
    return result


def _named_addresses() -> list[str]:
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET, socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]
    return []


def _outgoing_address() -> str:
    """The address this machine would use towards others; connecting a datagram socket sends nothing."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return ""


def reachable_origins(host: str, port: int) -> list[str]:
    """Every origin of the page for this HOST and PORT; the first is the one to open on this machine."""
    if host in environment.EVERY_ADDRESS:
        hosts = [*environment.LOOPBACK_HOSTS, *addresses()]
    else:
        hosts = [host, *environment.LOOPBACK_HOSTS] if host in environment.LOOPBACK_HOSTS else [host]
    return [environment.origin(item, port) for item in dict.fromkeys(hosts)]
