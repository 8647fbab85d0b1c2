"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.pae`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsci.report import seal
from mlsci.report.session import Session
from mlsci.stages import all_stages, with_inputs
from mlsci.stages.aeflow_results import mean_and_deviation
from mlsci.stages.pae import ROWS

Metrics = dict[str, Any]
Value = tuple[float, float | None]
PAPER = "Böhm & Seljak 2020, arXiv:2006.05479"

# AUROC, models of Fashion-MNIST: arXiv:2006.05479; there the flow's density, the AE's
# reconstruction error, and the other methods as cited there.
PUBLISHED_AUROC: dict[str, dict[str, float]] = {
    "PAE, ln p(z)": {
        "handwritten digits": 0.997,
        "flipped left-right": 0.698,
        "flipped upside down": 0.891,
    },
    "AE, reconstruction": {
        "handwritten digits": 0.986,
        "flipped left-right": 0.689,
        "flipped upside down": 0.880,
    },
    "VIB": {"handwritten digits": 0.941, "flipped left-right": 0.667, "flipped upside down": 0.902},
    "WAIC": {
        "handwritten digits": 0.766,
        "flipped left-right": 0.624,
        "flipped upside down": 0.704,
    },
    "IWAE": {
        "handwritten digits": 0.423,
        "flipped left-right": 0.594,
        "flipped upside down": 0.668,
    },
    "likelihood ratio": {"handwritten digits": 0.996},
}


class Results:
    """The chapter's artefacts, as far as the profile has them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stages = all_stages()
        self._read: dict[str, Metrics] = {}

    def folder(self, name: str) -> Path:
        """Return the folder of the artefact ``pae/<name>``."""
        return self._session.artefact(f"pae/{name}")

    def metrics(self, name: str) -> Metrics:
        """Return the numbers of the artefact ``pae/<name>``."""
        if name not in self._read:
            with (self.folder(name) / "metrics.json").open(encoding="utf-8") as f:
                self._read[name] = dict(json.load(f))
        return self._read[name]

    def arrays(self, name: str, file: str) -> dict[str, np.ndarray]:
        """Return the arrays that the artefact ``pae/<name>`` keeps."""
        with np.load(self.folder(name) / file) as stored:
            return {key: stored[key] for key in stored.files}

    def rows(self) -> list[str]:
        """Return the rows of the table that the profile has."""
        return [name for name in ROWS if self._seeds(name)]

    def every(self, row: str) -> list[Metrics]:
        """Return the numbers of a row for each of its seeds that the profile has."""
        return [self.metrics(f"bench-{row}-s{seed}") for seed in self._seeds(row)]

    def _seeds(self, row: str) -> list[int]:
        profile = self._session.profile
        names = {s: f"pae/bench-{row}-s{s}" for s in ROWS[row].seeds}
        return [s for s, name in names.items() if profile in self._stages[name].params]

    def cpu_hours(self) -> float:
        """Return the processor hours of the table, and of all that its rows read."""
        profile = self._session.profile
        names = [f"pae/bench-{row}-s{seed}" for row in self.rows() for seed in self._seeds(row)]
        seals = (seal.read(stage.name, profile) for stage in with_inputs(names, profile))
        return sum(found["record"]["cpu_seconds"] for found in seals if found) / 3600

    def has(self, name: str) -> bool:
        """Return whether the profile has the artefact ``pae/<name>``."""
        return self._session.profile in self._stages[f"pae/{name}"].params

    def laplace_minutes(self, name: str) -> float:
        """Return the processor minutes of the evidence of 10,000 images, as ``pae/<name>`` took."""
        found = self.metrics(name)
        seconds = float(found["laplace_seconds"]["cpu_seconds"])
        return seconds * 10_000 / int(found["laplace_images"]) / 60

    def seeds_of(self, stem: str) -> list[Metrics]:
        """Return the numbers of ``pae/<stem>-s<seed>`` for every seed that the profile has."""
        prefix = f"pae/{stem}-s"
        names = [
            name
            for name, stage in self._stages.items()
            if name.startswith(prefix) and self._session.profile in stage.params
        ]
        return [self.metrics(name.removeprefix("pae/")) for name in names]

    def reconstruction_table(self) -> dict[str, list[Value]]:
        """Return AUROC by meaning of the reconstruction error, a value for each set."""
        every = [m["auroc"] for m in self.seeds_of("reconstruction")]
        return {
            meaning: [mean_and_deviation([m[meaning][name] for m in every]) for name in sets]
            for meaning, sets in every[0].items()
        }

    def left_out_table(self) -> tuple[list[str], dict[str, list[Value]]]:
        """Return the classes left out, and AUROC by "model, score", a value for each class."""
        every = [m["auroc"] for m in self.seeds_of("left-out")]
        classes = list(next(iter(every[0].values())))
        return classes, {
            score: [mean_and_deviation([m[score][name] for m in every]) for name in classes]
            for score in every[0]
        }

    def left_out_shortfall(self) -> dict[str, float]:
        """Return the best AUROC of any other model minus the PAE's best, by class left out."""
        classes, table = self.left_out_table()
        best = {
            ours: [
                max(row[i][0] for name, row in table.items() if name.startswith("PAE, ") == ours)
                for i in range(len(classes))
            ]
            for ours in (True, False)
        }
        return {name: best[False][i] - best[True][i] for i, name in enumerate(classes)}

    def short_cuts(self) -> dict[str, list[Value]]:
        """Return AUROC of the evidence and of short cuts to it, by score."""
        found = self.metrics("checks")["auroc"]
        return {score: [(v, None) for v in sets.values()] for score, sets in found.items()}

    def over_floor(self, row: str) -> Value:
        """Return the Frechet distance of samples over that of reconstructions, seed by seed."""
        return self.spread(
            row, lambda m: float(m["samples"]["frechet"] / m["frechet_reconstructions"])
        )

    def floors(self) -> dict[str, float]:
        """Return Frechet distances that samples can hardly be below, by what has them."""
        return {
            "reconstructions": self.spread("pae", lambda m: float(m["frechet_reconstructions"]))[0]
        }

    def spread(self, row: str, pick: Callable[[Metrics], float]) -> Value:
        """Return mean and deviation over the seeds of a row of what `pick` takes from each."""
        return mean_and_deviation([pick(metrics) for metrics in self.every(row)])

    def sampled(self) -> list[str]:
        """Return the rows of models that were drawn from."""
        return [row for row in self.rows() if "samples" in self.every(row)[0]]

    def sample_column(self, measure: str) -> dict[str, Value]:
        """Return a measure of samples by label of the row, for rows that have samples.

        Of a row with one seed the Frechet distance has the bootstrap's error.
        """
        column = {}
        for row in self.sampled():
            every = self.every(row)
            value, error = mean_and_deviation([m["samples"][measure] for m in every])
            if error is None and measure == "frechet":
                error = every[0]["samples"]["frechet_error"]
            column[ROWS[row].title] = (value, error)
        return column

    def error_column(self) -> dict[str, Value]:
        """Return the squared error a pixel of reconstructions by label, where there are any."""
        return {
            ROWS[row].title: self.spread(row, lambda m: float(m["error_test"]))
            for row in self.rows()
            if "error_test" in self.every(row)[0]
        }

    def strangers(self) -> list[str]:
        """Return the names of the sets of foreign images."""
        first = self.every("pae")[0]["detection"]
        return list(next(iter(first.values())))

    def detection(self, row: str, score: str, strangers: str, measure: str = "auroc") -> Value:
        """Return a measure of detection over seeds."""
        return self.spread(row, lambda m: float(m["detection"][score][strangers][measure]))

    def detection_rows(self, rows: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Return every (row, score) of the table of outliers, of some rows or of all."""
        chosen = self.rows() if rows is None else rows
        return [(row, score) for row in chosen for score in self.every(row)[0]["detection"]]

    def detection_table(
        self, measure: str = "auroc", rows: Sequence[str] | None = None
    ) -> dict[str, list[Value]]:
        """Return the table of outliers: by "row, score", a value for each set of strangers."""
        return {
            named(row, score): [
                self.detection(row, score, name, measure) for name in self.strangers()
            ]
            for row, score in self.detection_rows(rows)
        }

    def shortfall(self, row: str, strangers: str, *, learned: bool = False) -> Value:
        """Return the best AUROC of all other models minus the best of a row's, for one set.

        Zero or less if that is best. Rows of one label are one model. The score is chosen on the
        set itself, for every model. If `learned`, scores that contain the size of the compressed
        image are left out.
        """
        best: dict[str, float] = {}
        for name, score in self.detection_rows():
            if learned and "compressed size" in score:
                continue
            label, value = ROWS[name].label, self.detection(name, score, strangers)[0]
            best[label] = max(best.get(label, 0.0), value)
        own = best.pop(ROWS[row].label)
        return max(best.values()) - own, None

    def mixture_failures(self) -> int:
        """Return how many flows ended below the mixture that they started from."""
        runs = self.metrics("ease")["runs"]
        return sum(run.get("mixture_failed", False) for run in runs)

    def failures(self, kind: str) -> int:
        """Return how many of the repeated trainings of a kind failed."""
        return sum(run["failed"] for run in self.metrics("ease")["runs"] if run["kind"] == kind)

    def repeated(self, kind: str, measure: str) -> dict[float, list[float]]:
        """Return a measure of the repeated trainings of a kind, by rate, a value a seed."""
        found: dict[float, list[float]] = {}
        for run in self.metrics("ease")["runs"]:
            if run["kind"] == kind and not run["failed"]:
                found.setdefault(float(run["rate"]), []).append(float(run[measure]))
        return dict(sorted(found.items()))

    def worst_over_best(self, kind: str, measure: str) -> float:
        """Return the ratio of the largest to the smallest of all repeated trainings."""
        values = [v for group in self.repeated(kind, measure).values() for v in group]
        return max(values) / min(values)

    def singular_values(self) -> dict[str, np.ndarray]:
        """Return the singular values of codes over the largest, by the networks' name."""
        found = self.metrics("spectrum")["singular"]
        return {name: np.array(values) / max(values) for name, values in found.items()}

    def best_rival(self, measure: str, row: str) -> Value:
        """Return the lowest value of a measure of samples among the other rows."""
        column = self.sample_column(measure)
        return min(value for label, value in column.items() if label != ROWS[row].title)


def named(row: str, score: str) -> str:
    """Return how tables name a score of a row."""
    label = ROWS[row].label
    return label if label == score else f"{label}, {score}"


def evidence_errors(arrays: dict[str, np.ndarray], estimate: str) -> np.ndarray:
    """Return an estimate of ln p(x) minus that by annealing, ``(n,)`` nats."""
    return arrays[estimate].astype(np.float64) - annealed(arrays)


def annealed(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return ln p(x) by annealing, ``(n,)`` nats: from a Gaussian or from the prior.

    Both are unbiased for p(x); what is found by one of them is there, so that the larger is taken.
    """
    return np.maximum(arrays["annealed"], arrays["from_prior"]).astype(np.float64)


def several_modes(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return where annealing from the prior finds a nat more than from the Gaussian, ``(n,)``.

    There is a mode elsewhere, that a descent from the encoder's code does not reach.
    """
    return np.asarray(arrays["from_prior"] > arrays["annealed"] + 1)


def failures_explained(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """Return how many images Laplace's evidence is more than a nat off for, by the cause.

    "modes": another mode; "shape": one mode that is not Gaussian, as importance samples from the
    very Gaussian are within a nat; "rest": what neither explains.
    """
    failed = np.abs(evidence_errors(arrays, "laplace")) > 1
    modes = failed & several_modes(arrays)
    mended = np.abs(evidence_errors(arrays, "importance")) <= 1
    shape = failed & ~modes & mended
    rest = failed & ~modes & ~mended
    return {name: int(v.sum()) for name, v in (("modes", modes), ("shape", shape), ("rest", rest))}


def share_within(values: Sequence[float] | np.ndarray, limit: float) -> float:
    """Return the share of values of magnitude at most `limit`."""
    return float(np.mean(np.abs(np.asarray(values)) <= limit))
