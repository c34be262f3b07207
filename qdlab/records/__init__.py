"""Records: nothing acknowledged is lost, nothing torn is believed, nothing in a file is ever run."""

from qdlab.records.devices import device_from_document, device_to_document
from qdlab.records.feed import RunFeed
from qdlab.records.recorder import RunWriter, StorageFailed
from qdlab.records.run import Rows, Run, read_run
from qdlab.records.run_file import RunHeader
from qdlab.records.session import Session, open_session
from qdlab.records.verify import Verification, verify_session
from qdlab.records.writer import SessionWriter

__all__ = [
    "Rows",
    "Run",
    "RunFeed",
    "RunHeader",
    "RunWriter",
    "Session",
    "SessionWriter",
    "StorageFailed",
    "Verification",
    "device_from_document",
    "device_to_document",
    "open_session",
    "read_run",
    "verify_session",
]
