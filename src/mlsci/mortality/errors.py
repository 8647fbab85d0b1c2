"""What can be wrong with a file of records, and how it is said."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlsci import data

AGAIN = "get the file again; it is not the published one"


class RecordError(ValueError):
    """A file of records cannot be used.

    Attributes
    ----------
    file : str
        Its name.
    row : int or None
        The row in question, counted from 1 below the header; None where it is the whole file.
    cause, mend : str
        What is wrong, and what to do about it.
    """

    def __init__(self, file: str, row: int | None, cause: str, mend: str) -> None:
        super().__init__(file, row, cause, mend)
        self.file, self.row, self.cause, self.mend = file, row, cause, mend

    def __str__(self) -> str:
        """Return file, row and cause, then the mend on a line of its own."""
        where = self.file if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.cause}\n  Mend: {self.mend}"


def read_content(path: Path) -> bytes:
    """Return the content of a file, gzipped or not, whatever its name.

    Raises
    ------
    RecordError
        If there is no such file, or its archive is truncated.
    """
    try:
        return data.unpack(path)
    except OSError as error:
        raise RecordError(
            path.name, None, f"cannot be read ({error.strerror})", "name one that can"
        ) from None
    except ValueError as error:
        raise RecordError(path.name, None, str(error), AGAIN) from None


def parse_table(
    content: bytes, file: str, columns: Sequence[str] | None, encoding: str = "utf-8", **csv: Any
) -> pd.DataFrame:
    """Return the table in a text, an index column without a name dropped.

    Parameters
    ----------
    content : bytes
        The text.
    file : str
        Its name, for errors.
    columns : sequence of str or None
        What its columns must be, in this order; None accepts any.
    encoding : str
        Of the text.
    **csv
        For `pandas.read_csv`.

    Raises
    ------
    RecordError
        If it is not such a table.
    """
    try:
        table = pd.read_csv(io.StringIO(content.decode(encoding)), **csv)
    except UnicodeDecodeError as error:
        raise RecordError(file, None, f"not {encoding} text ({error.reason})", AGAIN) from None
    except ValueError as error:  # of pandas: rows of different lengths, nothing at all
        raise RecordError(file, None, f"not a table ({error})", AGAIN) from None
    if table.columns[0] == "Unnamed: 0":
        table = table.iloc[:, 1:]
    if columns is not None and list(table.columns) != list(columns):
        raise RecordError(
            file, None, f"its columns are {list(table.columns)}, not {list(columns)}", AGAIN
        )
    return table


def refuse_rows(file: str, table: pd.DataFrame, bad: np.ndarray, cause: str) -> None:
    """Raise an error about the first bad row of a table, if there is one.

    Parameters
    ----------
    file : str
        The name of the file.
    table : DataFrame
        What was read from it.
    bad : ndarray of bool, (rows,)
        The rows that cannot be used.
    cause : str
        Why.

    Raises
    ------
    RecordError
        With the number of the row and what it reads.
    """
    if np.any(bad):
        row = int(np.argmax(bad))
        reads = ", ".join(map(str, table.iloc[row]))
        raise RecordError(file, row + 1, f"{cause}; it reads {reads}", AGAIN)


def whole_counts(table: pd.DataFrame) -> np.ndarray:
    """Return a table's entries as float64, NaN for those that are no whole number from 0."""
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    return np.where((values >= 0) & (values % 1 == 0), values, np.nan)
