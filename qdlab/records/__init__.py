"""Records: nothing acknowledged is lost, nothing torn is believed, nothing in a file is ever run.

The format, complete enough to write a reader from (``examples/read_session.py`` is one, in sixty lines of
the standard library).

A **session** is a folder::

    20261122T080000Z-name/
        session.toml            what it was made with: devices, operator, plan, bench, limits, versions
        journal.jsonl           what happened, one JSON object a line
        telemetry.csv           cryostat and bench all along; telemetry-2.csv, ... once it was resumed
        runs/0001-JVSweep-B1-S2-P3.csv      one run file per procedure per set point
        io/*.jsonl              instrument traffic, where it was recorded: {time, box, direction, text} a line
        manifest-sha256.txt     written at close; ``sha256sum -c`` reads it
        results/  report.html   derived: may be deleted and made again
        reserve.bin             room for the last words on a full disk; gone after close

Everything is UTF-8 with line feeds. Files only grow. One line of **sequence numbers** runs through all of
them (headers, rows, ends and journal entries) and gives the only order: number n is on the medium before
n + 1 is given out, so a number that is missing was recorded and is gone, unless a journal entry lists it
as `lost` to a storage error. `time` is monotonic seconds since the session began; `utc` is for people.
Bytes after the last line feed of a file were torn by a crash and mean nothing.

A **run file** begins with a header::

    #Format: qdlab-run 1
    #Procedure: <JVSweep>                       shown and compared, never imported
    #Parameters:
    #\tCompliance current: 0.01 A               number and SI unit, [0.0;0.5] V, True, none, or text
    #Device: B1/S2/P3                           an identifier of session.toml
    #Conditions:
    # Temperature setpoint: 297.0               number, text (quoted where it looks like a number), JSON
    #Predecessor: 0003-JVSweep-B1-S2-P3         only in a run that resumes another one
    #Supersedes: 0003-JVSweep-B1-S2-P3          instead, in a run that measures another one anew
    #Run: 0004-JVSweep-B1-S2-P3                 the file's own name
    #Session: x9f0c2a7744be01d3                 x and 16 digits of the SHA-256 of session.toml
    #Sequence: 17
    #Time: 3.25
    #UTC: 2026-11-22T08:00:03.250Z
    #Header check: x51c7...                     x and 16 digits of the SHA-256 of all other header lines
    #Data:
    sequence,time (s),utc,Voltage (V),Current (A),flags,check

The header's lines, line feeds included, end with the headings. Then one line a row; numbers as Python's
``repr`` (they come back to the last bit), `flags` words between spaces::

    18,3.5,2026-11-22T08:00:03.500Z,0.5,1.25e-07,compliance,x0f3a5b...

`check` is `x` and the first 16 hex digits of SHA-256 over the previous row's check and this line's bytes
up to the comma before its own check; the first row builds on `x` and 16 digits of the SHA-256 of the
header's bytes. A run that ended says so in its last line; one without it was *interrupted*::

    #End: finished rows=60 sequence=78 time=18.5 utc=2026-11-22T08:00:18.500Z reason="" sha256=...

The word is finished, stopped, aborted or failed; `reason` is JSON text; `sha256` covers every byte of the
file before `` sha256=``.

Numbers may be ``nan`` (left out, or not valid: see the flags) and ``inf``. No line is longer than 65536
bytes. **telemetry.csv** is a run file too, of the procedure Telemetry and of no device (``#Device: ""``).

The **journal**'s lines are JSON objects with sequence, time, utc, level (state, note, warning, error,
guardian, prompt), text, details and, last, check: over the previous check and the line's bytes before ``,
"check"``; the first builds on `x` and 16 digits of the SHA-256 of session.toml::

    {"sequence": 16, "time": 3.1, "utc": "2026-11-22T08:00:03.100Z", "level": "note", "text": "lamp off",
     "details": {}, "check": "x7d1e..."}                                            (in one line)

Entries of level state that mean something to a program: ``session opened``; ``session resumed``;
``run started``, with the SHA-256 of a run's header; ``run ended``, with that of its whole file;
``session closed``, with how the session ended. Once resumed, a session is interrupted until closed again.

**session.toml** holds a table ``[session]``: ``format = "qdlab-session 1"``, name, identifier, versions.
A format number above the reader's own means: refuse, and say so.

Whoever can rewrite a whole session can also compute its checks: they find accidents and careless edits.
To prove more, keep the manifest's hash elsewhere.

Resuming adds new run files that name their predecessor. A point measured in both counts once, from the
later run; of a superseded run nothing counts.
"""

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
