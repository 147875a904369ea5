"""CSV (RFC 4180) as spreadsheets take it: text in UTF-8, none of it a formula."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

# A spreadsheet takes a cell that begins like this for a formula, and a formula can send the others elsewhere.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def written(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """With a byte order mark, without which spreadsheets read it as Latin-1."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig", "replace")


def cell(value: Any) -> Any:
    """Text that would be taken for a formula gets an apostrophe before it, as OWASP recommends; numbers stay."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value
