"""What can be wrong with a data set: it is not there, or it is not itself."""

from __future__ import annotations


class DataError(RuntimeError):
    """A data set cannot be used.

    Attributes
    ----------
    name : str
        The data set.
    file : str
        The file, or files, in question.
    cause : str
        What is wrong.
    mend : str
        What to do about it.
    """

    def __init__(self, name: str, file: str, cause: str, mend: str) -> None:
        super().__init__(name, file, cause, mend)  # all in args, so that it can be pickled
        self.name = name
        self.file = file
        self.cause = cause
        self.mend = mend

    def __str__(self) -> str:
        """Return the message: name, file and cause, then the mend on a line of its own."""
        return f"{self.name}: {self.file}: {self.cause}\n  Mend: {self.mend}"


class MissingData(DataError):  # noqa: N818  (reads better than MissingDataError)
    """The data set is in none of the places where it is looked for."""


class DamagedData(DataError):  # noqa: N818
    """A file of the data set is truncated, misnamed, or not the published one."""
