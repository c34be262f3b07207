"""Amounts of disk as people say them."""

_UNITS = ("MB", "GB", "TB")


def format_size(size: float) -> str:
    """An amount of bytes to three digits, in decimal units.

    Examples
    --------
    >>> format_size(64e6), format_size(999.7e6), format_size(2.125e12)
    ('64 MB', '1 GB', '2.12 TB')
    """
    shown = size / 1e6
    for unit in _UNITS[:-1]:
        if float(f"{shown:.3g}") < 1000:
            return f"{shown:.3g} {unit}"
        shown /= 1000
    return f"{shown:.3g} {_UNITS[-1]}"
