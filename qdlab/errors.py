"""What the application refuses or reports, each with its exit status."""


class QdlabError(Exception):
    """A readable sentence: what, where, and the way out."""

    exit_status = 1


class ConfigError(QdlabError):
    """A bench, plan or device file, or an argument, that cannot be used."""

    exit_status = 2


class ImportRefused(QdlabError):
    """A measured file that cannot be read without guessing."""

    exit_status = 2


class RecordError(QdlabError):
    """A session or run file that is damaged, or cannot be written."""

    exit_status = 1


class NotASession(RecordError):
    """A path that holds no session."""

    exit_status = 2
