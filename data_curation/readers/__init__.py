"""Reading any user's file: usable rows become records, unusable rows are quarantined, unusable files refused."""

from __future__ import annotations

from data_curation.readers.layout import Columns, Layout
from data_curation.readers.read import Reading, read_file, read_hub
from data_curation.readers.rows import Quarantined, RawRow

__all__ = ["Columns", "Layout", "Quarantined", "RawRow", "Reading", "read_file", "read_hub"]
