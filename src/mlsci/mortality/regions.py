"""Italy's regions: one name for each, however the sources spell it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import numpy as np

# In the order of Istat's codes, 1 to 20, with the statistical macro-areas.
MACRO_AREAS: dict[str, tuple[str, ...]] = {
    "North-West": ("Piemonte", "Valle d'Aosta", "Lombardia", "Liguria"),
    "North-East": ("Trentino-Alto Adige", "Veneto", "Friuli-Venezia Giulia", "Emilia-Romagna"),
    "Centre": ("Toscana", "Umbria", "Marche", "Lazio"),
    "South": ("Abruzzo", "Molise", "Campania", "Puglia", "Basilicata", "Calabria"),
    "Islands": ("Sicilia", "Sardegna"),
}
REGIONS: tuple[str, ...] = (
    "Piemonte",
    "Valle d'Aosta",
    "Lombardia",
    "Trentino-Alto Adige",
    "Veneto",
    "Friuli-Venezia Giulia",
    "Liguria",
    "Emilia-Romagna",
    "Toscana",
    "Umbria",
    "Marche",
    "Lazio",
    "Abruzzo",
    "Molise",
    "Campania",
    "Puglia",
    "Basilicata",
    "Calabria",
    "Sicilia",
    "Sardegna",
)
BERGAMO = "Bergamo"  # the province, within Lombardia

_MACRO_AREA = {region: area for area, members in MACRO_AREAS.items() for region in members}


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub("[^a-z]", "", plain.lower())


_NAMES = {_key(name): name for name in (*REGIONS, BERGAMO)}
_NAMES |= {
    _key("P.A. Bolzano"): "Trentino-Alto Adige",
    _key("P.A. Trento"): "Trentino-Alto Adige",
}


def canonical(name: str) -> str:
    """Return our name of a region.

    Parameters
    ----------
    name : str
        As a source spells it; what follows a slash, the second language, is ignored.

    Raises
    ------
    ValueError
        If there is no such region.

    Examples
    --------
    >>> canonical("TRENTINO ALTO ADIGE / Südtirol"), canonical("Friuli Venezia Giulia")
    ('Trentino-Alto Adige', 'Friuli-Venezia Giulia')
    """
    try:
        return _NAMES[_key(name.split("/", maxsplit=1)[0])]
    except KeyError:
        raise ValueError(f"there is no region {name!r}") from None


def positions(names: Iterable[object]) -> np.ndarray:
    """Return the position of each name in `REGIONS`, int64 (n,); -1 where it is none of them."""
    known: dict[object, int] = {}
    for name in (listed := list(names)):
        if name not in known:
            try:
                known[name] = REGIONS.index(canonical(str(name)))
            except ValueError:
                known[name] = -1
    return np.array([known[name] for name in listed], dtype=np.int64)


def macro_area(region: str) -> str:
    """Return the macro-area of one of `REGIONS`: North-West, North-East, Centre, South, Islands."""
    return _MACRO_AREA[region]
