"""What can be wrong with a file of deaths."""

from __future__ import annotations


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
