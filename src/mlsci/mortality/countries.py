"""The country that a result is about: Italy, or one that is made up; never one for the other."""

from __future__ import annotations

from pathlib import Path

from . import releases, synthetic_releases
from .releases import Releases


def releases_of(country: str, folder: Path, seed: int, *, real: bool) -> Releases:
    """Return a country's releases.

    Parameters
    ----------
    country : str
        "Italy", or "synthetic" for a made-up one.
    folder : Path
        Where a made-up country's by-town file is written.
    seed : int
        Of a made-up country.
    real : bool
        Whether the result will pass for a real country's.

    Raises
    ------
    ValueError
        If made-up records would pass for real ones, or the other way round.
    """
    if country == "Italy":
        found = releases.of_italy()
    else:
        found = synthetic_releases.of_synthetic_country(folder, seed)
    if found.synthetic == real:
        profile = "full" if real else "smoke"
        raise ValueError(f"the profile {profile} must not be computed from these records")
    return found
