"""Names of files and folders: sorted by time, and acceptable to every operating system."""

import re
import unicodedata
from datetime import UTC, datetime

_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    "clock",
    *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)),
}


def slug(text: str, *, longest: int = 40) -> str:
    """A text as letters, digits and hyphens; never empty, never a device name of Windows."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:longest].strip("-")
    return "unnamed" if not words else f"{words}-" if words.lower() in _RESERVED else words


def session_folder_name(name: str, moment: datetime) -> str:
    """``20261122T080000Z-name``: folders sort by the time they were made, in any time zone."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{slug(name)}"


def run_name(number: int, procedure: str, device: str) -> str:
    """``0007-JVSweep-B1-S2-P3``: runs sort in the order they were started."""
    return f"{number:04d}-{slug(procedure)}-{slug(device)}"
