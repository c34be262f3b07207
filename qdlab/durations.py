"""How long something takes and when it ends, as people say it."""

from datetime import datetime, timedelta

# not by strftime, whose words follow the system's language
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def format_duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds.

    Examples
    --------
    >>> format_duration(59.6), format_duration(3725)
    ('1 min 00 s', '1 h 02 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def format_estimate(seconds: float, *, now: datetime | None) -> str:
    """What is expected to take so long, begun now; `now` is None where the time is a simulated one.

    Examples
    --------
    >>> format_estimate(3600, now=datetime(2026, 11, 22, 22, 30))
    'about 1 h 00 min; begun now it ends at 23:30'
    >>> format_estimate(3600, now=None)
    'about 1 h 00 min of simulated time'
    """
    words = f"about {format_duration(seconds)}"
    if now is None:
        return f"{words} of simulated time"
    return f"{words}; begun now it ends {format_ending(seconds, now)}"


def format_ending(seconds: float, now: datetime) -> str:
    """When something ends that takes so long from now on.

    Examples
    --------
    >>> now = datetime(2026, 11, 22, 22, 0)
    >>> format_ending(3600, now), format_ending(4 * 3600, now), format_ending(60 * 3600, now)
    ('at 23:00', 'tomorrow at 02:00', 'on Wednesday, 25 November, at 10:00')
    """
    end = now + timedelta(seconds=seconds)
    days = (end.date() - now.date()).days
    if days == 0:
        return f"at {end:%H:%M}"
    if days == 1:
        return f"tomorrow at {end:%H:%M}"
    return f"on {_WEEKDAYS[end.weekday()]}, {end.day} {_MONTHS[end.month - 1]}, at {end:%H:%M}"
