"""What a notebook talks to: artefacts in, claims and figures out.

The runner (``workflow/run_notebook.py``) names a folder in the environment variable
``MLSCI_NOTEBOOK_OUT``; the session then keeps its figures and metrics there. In a notebook that a
reader runs by hand, claims and figures are shown, and nothing is written.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsci.report import claims, files, paths, seal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUT = "MLSCI_NOTEBOOK_OUT"
METRICS = "metrics.json"
FIGURES = "figures"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def notebook(name: str, *, profile: str, seed: int = 0) -> Session:
    """Begin a notebook: set the figures' style and return the session.

    Parameters
    ----------
    name
        The notebook's name, that of its file without the ending.
    profile
        ``"full"`` or ``"smoke"``, from the notebook's parameters.
    seed
        The notebook's seed, from its parameters; recorded in its provenance.

    Examples
    --------
    >>> nb = notebook("aeflow-fix", profile="smoke")
    aeflow-fix: profile smoke, seed 0
    """
    from mlsci.report import style

    style.use()
    session = Session(name, paths.check_profile(profile), seed)
    print(f"{name}: profile {profile}, seed {seed}")
    return session


class Session:
    """One notebook's artefacts, claims and figures; made by `notebook`."""

    def __init__(self, name: str, profile: paths.Profile, seed: int) -> None:
        if not _SLUG.fullmatch(name):
            raise ValueError(f"notebook name {name!r}: write lower case and hyphens, chapter first")
        out = os.environ.get(OUT)
        self.name, self.profile, self.seed = name, profile, seed
        self._out = Path(out) if out else None
        if self._out is not None and self._out.name.partition(".")[0] != name:
            raise ValueError(
                f"this notebook is {self._out.name.partition('.')[0]}, not {name}: correct it"
            )
        self._seals: dict[str, str] = {}
        self._claims: dict[str, dict[str, Any]] = {}
        self._figures: dict[str, dict[str, Any]] = {}

    def artefact(self, name: str) -> Path:
        """Return the folder of a stage's artefact, checked against its seal and remembered."""
        folder = seal.verified(name, self.profile)
        found = seal.read(name, self.profile)
        assert found is not None  # `verified` has just read it
        self._seals[name] = found["seal"]
        return folder

    def claim(
        self,
        key: str,
        value: Any,
        error: Any = None,
        *,
        published: Any = None,
        target: str | None = None,
        source: str | None = None,
        unit: str | None = None,
        fmt: str | None = None,
        description: str | None = None,
    ) -> None:
        """Record a number that the compendium stands for, print it, and glue its text under `key`.

        Parameters
        ----------
        key
            ``chapter.quantity``, unique in the compendium.
        value, error
            Finite numbers; the error is one standard deviation, or None.
        published, source
            The number to compare with, and where it was published.
        target
            What the value must reach, such as ``"<= 0.1"`` or ``">= 0.9, <= 1.1"``.
        unit, fmt, description
            The unit, a format for the value (``".3f"``), and what the number is, in words.
        """
        if key in self._claims:
            raise claims.ClaimError(
                f"{key} is claimed already in this notebook: give it another key"
            )
        record = claims.make(
            key,
            value,
            error=error,
            published=published,
            target=target,
            source=source,
            unit=unit,
            fmt=fmt,
            description=description,
            notebook=self.name,
            profile=self.profile,
            seal=self._seals,
        )
        self._claims[key] = record
        self._write()
        verdict = "" if target is None else f" (target {target}: {_verdict(record['reached'])})"
        print(f"{key}: {record['text']}{verdict}")
        # What `myst_nb.glue(key, text, display=False)` does, without importing Sphinx.
        _display(
            {"application/papermill.record/text/plain": repr(record["text"])},
            {"scrapbook": {"name": key, "mime_prefix": "application/papermill.record/"}},
        )

    def figure(self, figure: Figure, name: str, *, caption: str, alt: str) -> None:
        """Show a figure, keep it as a PNG under the runner, and close it.

        Parameters
        ----------
        figure
            The Matplotlib figure.
        name
            Its name in the notebook: lower case and hyphens, unique.
        caption
            What it shows and what to see in it; MyST Markdown.
        alt
            What it looks like, for readers who cannot see it; not the caption again.
        """
        from matplotlib import pyplot as plt

        if not _SLUG.fullmatch(name):
            raise ValueError(f"figure name {name!r}: write lower case, digits and hyphens")
        if name in self._figures:
            raise ValueError(f"there is a figure {name} already in this notebook: rename this one")
        for text, what in ((caption, "caption"), (alt, "alt text")):
            if not text.strip():
                raise ValueError(f"figure {name} needs a {what}")
        described = {"figure": name, "caption": _line(caption), "alt": _line(alt)}
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
        plt.close(figure)
        record = {
            "name": name,
            "caption": described["caption"],
            "alt": described["alt"],
            "file": paths.relative(paths.figures(self.profile, self.name) / f"{name}.png"),
            "seal": dict(sorted(self._seals.items())),
        }
        if self._out is not None:
            where = self._out / FIGURES / f"{name}.png"
            files.write_bytes(where, content.getvalue())
            record["sha256"] = files.sha256(where)
        self._figures[name] = record
        self._write()
        _display(
            {"image/png": content.getvalue(), "text/plain": f"<figure {name}>"},
            {"mlsci": described},
        )

    def done(self) -> None:
        """End the notebook, which must have made a claim or a figure; the runner asks for it."""
        if not self._claims and not self._figures:
            raise ValueError(f"notebook {self.name} makes no claim and no figure: what is it for?")
        self._write(done=True)
        targets = [claim for claim in self._claims.values() if claim["reached"] is not None]
        reached = sum(claim["reached"] for claim in targets)
        print(
            f"{count(self._claims, 'claim')}, {reached} of {count(targets, 'target')} reached, "
            f"{count(self._figures, 'figure')}, {count(self._seals, 'artefact')}"
        )

    def _write(self, done: bool = False) -> None:
        if self._out is not None:
            files.write_json(
                self._out / METRICS,
                {
                    "schema": claims.SCHEMA,
                    "notebook": self.name,
                    "profile": self.profile,
                    "seed": self.seed,
                    "claims": list(self._claims.values()),
                    "figures": list(self._figures.values()),
                    "artefacts": dict(sorted(self._seals.items())),
                    "done": done,
                },
            )


def _verdict(reached: bool) -> str:
    return "reached" if reached else "missed"


def count(things: Sized, noun: str) -> str:
    """Return how many things there are, in words: ``1 claim``, ``2 claims``."""
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _line(text: str) -> str:
    return " ".join(text.split())


def _display(data: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Show a MIME bundle where there is a notebook to show it in."""
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is not None:
        display(data, metadata=metadata, raw=True)
