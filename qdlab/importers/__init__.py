"""J-V files measured elsewhere: read as text, never executed, asked about where they leave something open.

`text` turns bytes into lines, `table` lines into columns with names and units, `jv` columns into curves in
SI.
"""

from qdlab.importers.jv import expand_patterns, import_jv_files, read_jv_file
from qdlab.importers.table import Table, parse_table

__all__ = ["Table", "expand_patterns", "import_jv_files", "parse_table", "read_jv_file"]
