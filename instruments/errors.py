"""What can go wrong at the bench, by kind, so that a caller can act on it."""


class InstrumentError(Exception):
    """Something at the bench went wrong; the message names the box, what happened and the way out."""


class ConnectionFailed(InstrumentError):
    """A box cannot be reached, stopped answering, or another box answers in its place."""


class ReplyError(InstrumentError):
    """A box answered something that cannot be its answer to that question."""


class SettingNotTaken(ReplyError):
    """A box reads back another setting than it was sent; the message gives both."""


class LimitError(InstrumentError):
    """A command would leave the envelope; it was not sent."""


class NotArmedError(LimitError):
    """A command would energise an output outside an armed run; it was not sent."""
