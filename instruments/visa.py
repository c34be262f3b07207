"""GPIB and USB boxes through an installed VISA library (NI-VISA, Keysight IO, or pyvisa-py)."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyvisa
from pyvisa.constants import StatusCode

from instruments.roles import LONGEST_REPLY

_MESSAGE_AVAILABLE = 16  # bit of the status byte, IEEE 488.2
_POLLING = 0.002  # s
_TRANSFER = 3.0  # s that a piece of a reply once begun, or a write, may take
_PIECE = 1024  # bytes; a tenth of a second where GPIB is slow


class VisaTransport:
    """One VISA session; satisfies `instruments.roles.Transport`.

    A reply is read only once the box says that it has one, so that no read is given up half way and no box
    is asked to talk with nothing to say (-420). A long one is read in pieces, and `read` called again goes on
    with it: the readings of a sweep take a 2400 many seconds to send.

    Parameters
    ----------
    resource : VISA resource name
    library : VISA library; empty for the system's own, ``@py`` for pyvisa-py
    write_termination, read_termination : what ends a message and a reply
    open_resource : in place of the library's, for tests
    """

    def __init__(
        self,
        resource: str,
        *,
        library: str = "",
        write_termination: bytes = b"\n",
        read_termination: bytes = b"\n",
        open_resource: Callable[..., Any] | None = None,
    ) -> None:
        self._write_termination = write_termination
        with _translated(resource):
            opening: Callable[..., Any] = open_resource or pyvisa.ResourceManager(library).open_resource
            self._session = opening(resource, open_timeout=int(_TRANSFER * 1e3))
            self._session.timeout = _TRANSFER * 1e3
            self._session.read_termination = read_termination.decode("ascii")
            self._session.write_termination = ""
        self._resource = resource
        self._polls = True
        self._received = b""

    def write(self, data: bytes) -> None:
        """Send one message."""
        with _translated(self._resource):
            self._session.write_raw(data + self._write_termination)

    def read(self, timeout: float) -> bytes:
        """One reply, once the box has it; what arrived of an unfinished one is kept for the next read."""
        end = time.monotonic() + timeout
        if self._received:
            pass
        elif self._polls:
            self._await_message(timeout)
        else:
            self._session.timeout = max(timeout, 0.001) * 1e3
        while self._read_piece():
            if len(self._received) > LONGEST_REPLY:
                self._received = b""
                raise ConnectionError(f"{self._resource}: a reply without end; check the box")
            if time.monotonic() >= end:
                raise TimeoutError(f"a reply of more than {len(self._received)} bytes within {timeout:g} s")
        reply, self._received = self._received, b""
        return reply.rstrip(b"\r\n")

    def _read_piece(self) -> bool:
        """Read on; whether more is to come."""
        library, more = self._session.visalib, StatusCode.success_max_count_read
        with (
            _translated(self._resource),
            self._session.ignore_warning(StatusCode.success_device_not_present, more),
        ):
            piece, status = library.read(self._session.session, _PIECE)
        self._received += bytes(piece)
        return bool(status == more)

    def clear(self) -> None:
        """Device clear; nothing where the session has none."""
        self._received = b""
        try:
            with _translated(self._resource):
                self._session.clear()
        except NotImplementedError:
            return

    def close(self) -> None:
        """Close the session."""
        with _translated(self._resource):
            self._session.close()

    def _await_message(self, timeout: float) -> None:
        end = time.monotonic() + timeout
        try:
            while not self._status_byte() & _MESSAGE_AVAILABLE:
                if time.monotonic() >= end:
                    raise TimeoutError(f"no reply within {timeout:g} s")
                time.sleep(_POLLING)
        except NotImplementedError:
            # no serial poll on this interface: the read itself has to wait
            self._polls = False
            self._session.timeout = max(timeout, 0.001) * 1e3

    def _status_byte(self) -> int:
        with _translated(self._resource):
            return int(self._session.read_stb())


@contextmanager
def _translated(resource: str) -> Iterator[None]:
    """VISA's errors as what a transport raises."""
    try:
        yield
    except pyvisa.errors.VisaIOError as error:
        if error.error_code == StatusCode.error_timeout:
            raise TimeoutError(f"{resource}: {error.description}") from error
        if error.error_code == StatusCode.error_nonsupported_operation:
            raise NotImplementedError(error.description) from error
        raise ConnectionError(f"{resource}: {error.description}") from error
    except (pyvisa.errors.InvalidSession, ValueError, OSError) as error:
        if isinstance(error, OSError):
            raise
        raise ConnectionError(f"{resource}: {error}") from error
