"""Every benchmark in one table: ``python -m benchmarks [--full] [--only NAME] [--json FILE]``.

Each module here without an underscore before its name offers ``measure(full) -> list of rows``; a row is a
dict with the texts *figure*, *goal*, *measured*, *peer* (the same figure of another program, measured in the
same run) and *ratio* (the peer's over ours), the last two where there is one.
"""

import argparse
import importlib
import json
import pkgutil
import platform
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the full numbers of trials, which take long")
    parser.add_argument("--only", action="append", metavar="NAME", help="these modules only")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON as well")
    options = parser.parse_args()
    modules = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    names = [name for name in modules if not name.startswith("_")]
    unknown = set(options.only or ()) - set(names)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    rows = []
    begun = time.perf_counter()
    console = Console(width=None if sys.stdout.isatty() else 160)  # a file is read wider than a terminal
    for name in options.only or names:
        started = time.perf_counter()
        console.print(f"[dim]{name} ...[/dim]")
        module = importlib.import_module(f"benchmarks.{name}")
        rows += [{"benchmark": name, **row} for row in module.measure(full=options.full)]
        console.print(f"[dim]{name}: {time.perf_counter() - started:.1f} s[/dim]")
    console.print(_table(rows))
    console.print(f"{len(rows)} figures in {time.perf_counter() - begun:.0f} s")
    if options.json:
        document = {"python": platform.python_version(), "machine": platform.machine(), "rows": rows}
        options.json.write_text(
            json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8", newline="\n"
        )
    return 0


def _table(rows: list[dict[str, str]]) -> Table:
    columns = ("benchmark", "figure", "goal", "measured", "peer", "ratio")
    table = Table(*columns)
    for row in rows:
        table.add_row(*(str(row.get(key, "")) for key in columns))
    return table


if __name__ == "__main__":
    sys.exit(main())
