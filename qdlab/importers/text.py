"""Bytes of a stranger's file as lines of text, within limits."""

from pathlib import Path

from qdlab.errors import ImportRefused

MAXIMUM_SIZE = 50_000_000
"""Largest file read [bytes]."""

MAXIMUM_LINE = 20_000
"""Longest line read [characters]."""

MAXIMUM_LINES = 1_000_000
"""Most lines read."""

_BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def read_lines(path: Path) -> list[str]:
    """The lines of a text file in UTF-8, UTF-16 or Windows' cp1252.

    Raises
    ------
    ImportRefused
        Unreadable, empty, too large, or not text.
    """
    content = _read_bytes(path)
    if not content.strip():
        raise ImportRefused(f"{path.name} is empty")
    lines = _decode(content, path.name).splitlines()
    if len(lines) > MAXIMUM_LINES:
        raise ImportRefused(f"{path.name} has more than {MAXIMUM_LINES} lines; split it")
    for number, line in enumerate(lines, start=1):
        if len(line) > MAXIMUM_LINE:
            raise ImportRefused(
                f"{path.name}, line {number} is longer than {MAXIMUM_LINE} characters; is it a table?"
            )
    return lines


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImportRefused(f"{path} is a folder; name its files, for example {str(path / '*.txt')!r}")
        size = path.stat().st_size
        if size > MAXIMUM_SIZE:
            raise ImportRefused(
                f"{path.name} is larger than {MAXIMUM_SIZE // 1_000_000} MB; cut out the curve"
            )
        return path.read_bytes()
    except OSError as error:
        raise ImportRefused(
            f"{path}: {error.strerror or error}; check the path and its permissions"
        ) from None


def _decode(content: bytes, name: str) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, name)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = _decoded(content, "cp1252", name)
    if any(character < " " and character not in "\t\r\n\f" for character in text):
        raise ImportRefused(f"{name} is not text; export the curve as text (tab or comma separated)")
    return text


def _decoded(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise ImportRefused(f"{name} is not text in {encoding}; save it again as UTF-8") from None
