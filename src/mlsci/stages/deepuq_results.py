"""What the notebooks of the chapter read from the artefacts of `mlsci.stages.deepuq`."""

from __future__ import annotations

import base64
import io
import json
from typing import Any, cast

import numpy as np
from scipy.stats import kstest

from mlsci.reconstruction.calibration import uniformity
from mlsci.reconstruction.explorer import Explored
from mlsci.report.session import Session
from mlsci.stages.deepuq import CALIBRATED, COVERED, DIGITS, WORN

Pair = tuple[float, float]
NAMES = tuple(DIGITS)
METHODS = ("laplace", "mixture", "importance", "hmc", "smc")
LABELS = {"laplace": "Laplace", "mixture": "mixture of Laplace", "importance": "importance",
          "hmc": "HMC", "smc": "SMC"}  # fmt: skip
SHARP_RHAT = 1.01


def words(name: str) -> str:
    """Return a corruption's name as prose has it."""
    return name.replace("-", " ")


def slug(name: str) -> str:
    """Return a corruption's name as keys of claims have it."""
    return name.replace("-", "_").replace(" ", "_")


class Results:
    """Metrics and arrays of the chapter's artefacts, loaded when asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.calibrated, self.covered, self.worn = (
            names[session.profile] for names in (CALIBRATED, COVERED, WORN)
        )
        self._arrays: dict[str, dict[str, np.ndarray]] = {}
        self._metrics: dict[str, dict[str, Any]] = {}

    def metrics(self, name: str) -> dict[str, Any]:
        """Return the metrics of ``deepuq/<name>``."""
        if name not in self._metrics:
            folder = self._session.artefact(f"deepuq/{name}")
            self._metrics[name] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        return self._metrics[name]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return the arrays of ``deepuq/<name>``."""
        if name not in self._arrays:
            folder = self._session.artefact(f"deepuq/{name}")
            with np.load(folder / f"{name.partition('-')[0]}.npz") as stored:
                self._arrays[name] = {key: stored[key] for key in stored.files}
        return self._arrays[name]

    # On the model's own data.

    def own(self, name: str, key: str, method: str) -> np.ndarray:
        """Return an array of one corruption and method."""
        return self.arrays(f"calibration-{name}")[f"{key}/{method}"]

    def p_values(self, name: str, method: str) -> np.ndarray:
        """Return the p-value of uniform ranks of each latent direction, ``(d,)``."""
        ranks = self.own(name, "ranks", method)
        kept = 100 if self._session.profile == "full" else 40
        return uniformity(ranks, kept)

    def all_p_values(self, method: str) -> float:
        """Return the p-value of all corruptions' p-values being uniform."""
        values = np.concatenate([self.p_values(name, method) for name in self.calibrated])
        return float(kstest(values, "uniform").pvalue)

    def levels(self) -> np.ndarray:
        """Return the credibilities of expected coverage, ``(99,)``."""
        return self.arrays(f"calibration-{self.calibrated[0]}")["levels"]

    def tarp_deviation(self, name: str, method: str) -> float:
        """Return the largest distance of expected coverage from credibility."""
        return float(np.abs(self.own(name, "tarp", method) - self.levels()).max())

    def tarp_chance(self, name: str) -> np.ndarray:
        """Return the deviations that chance gives exact posteriors, in rising order."""
        return np.sort(np.abs(self.own(name, "chance", "smc") - self.levels()).max(-1))

    def agreeing(self, name: str, method: str = "smc", *, several: bool = False) -> float:
        """Return the share of the model's own data with R-hat below 1.01.

        `several` asks for data with two modes or more alone, where there are such.
        """
        rhat = self.own(name, "rhat", method)
        modes = self.arrays(f"calibration-{name}")["modes"][: len(rhat)]
        chosen = modes > (1 if several and (modes > 1).any() else 0)
        return float((rhat[chosen] < SHARP_RHAT).mean())

    def own_coverage(self, name: str, method: str, where: str, level: float) -> Pair:
        """Return the coverage of hidden pixels of the model's own images, per cent."""
        found = self.metrics(f"calibration-{name}")["methods"][method]["coverage"]["full"]
        return percent(found[where][str(level)])

    def reference(self, name: str, where: str, level: float) -> str:
        """Return what exact posteriors hold of pixels that the truth selects, in words."""
        if where != "bright":
            return ""
        if name not in self.calibrated:
            return " (bright: in truth)"
        exact = self.own_coverage(name, "smc", "bright", level)[0]
        return f" (bright: in truth; an exact posterior, of the model's own images: {exact:.1f}%)"

    # On test images.

    def coverage(
        self, name: str, method: str, part: str, level: float, *, where: str = "predicted"
    ) -> Pair:
        """Return the coverage of hidden active pixels of test images and its error, per cent."""
        found = self.metrics(f"coverage-{name}")["methods"][method]["coverage"]
        return percent(found[part][where][str(level)])

    def coverage_groups(self, parts: dict[str, str], level: float) -> dict[str, dict[str, Pair]]:
        """Return coverage by the reference sampler, by corruption and by label of the draws."""
        return {
            words(name): {
                label: self.coverage(name, "smc", part, level) for part, label in parts.items()
            }
            for name in self.covered
        }

    def real(self, name: str, key: str, method: str) -> np.ndarray:
        """Return an array of one corruption and method, test images."""
        return self.arrays(f"coverage-{name}")[f"{key}/{method}"]

    def method_table(self, key: str) -> dict[str, float]:
        """Return the median of a number over test images of all corruptions, by method."""
        names = self.covered
        return {
            LABELS[m]: float(np.median(np.concatenate([self.real(n, key, m) for n in names])))
            for m in METHODS
            if f"{key}/{m}" in self.arrays(f"coverage-{names[0]}")
        }

    def seconds(self, method: str) -> float:
        """Return CPU seconds a test image, mean over corruptions."""
        found = [self.metrics(f"coverage-{name}")["methods"][method]["seconds"]
                 / len(self.real(name, "p_value", method)) for name in self.covered]  # fmt: skip
        return float(np.mean(found))

    def effective_rate(self, method: str) -> float:
        """Return effective draws a CPU second, test images of all corruptions."""
        found = np.mean([self.real(name, "effective", method).mean() for name in self.covered])
        return float(found / self.seconds(method))

    def many_modes(self, name: str) -> float:
        """Return the share of test images with two modes or more within five nats."""
        return float((self.arrays(f"coverage-{name}")["modes"] > 1).mean())

    def importance_honest(self) -> tuple[float, float]:
        """Return the shares of test images with effective weights, and with these or a flag."""
        good, honest = [], []
        for name in self.covered:
            draws = self.real(name, "effective", "importance")
            total = 2000 if self._session.profile == "full" else 80
            enough = draws > 0.2 * total
            flags = self.metrics(f"coverage-{name}")["methods"]["importance"]["flags"]
            good.append(enough.mean())
            honest.append(min(1.0, enough.mean() + flags["weights too uneven"]))
        return float(np.mean(good)), float(np.mean(honest))

    def reported(self, kind: str, by: str = "both") -> dict[str, Pair]:
        """Return the share of images of a kind that are reported, per cent, by corruption."""
        found = self.metrics("strangers")
        return {
            name: share(found[name][kind][by], found[name][kind]["images"])
            for name in (*NAMES, "none")
            if name in found
        }

    def reported_mean(self, kind: str, by: str = "both") -> Pair:
        """Return the mean of these over the corruptions, "none" left out, with its error."""
        found = [pair for name, pair in self.reported(kind, by).items() if name != "none"]
        values, errors = np.array(found).T
        return float(values.mean()), float(np.sqrt((errors**2).sum()) / len(errors))

    def stranger_kinds(self) -> list[str]:
        """Return the kinds of images, "digits", which are not strange, first."""
        return sorted(self.metrics("strangers")["none"], key=lambda kind: (kind != "digits", kind))

    def misfit_ratio(self, kind: str, name: str) -> float:
        """Return the median misfit of images of a kind over that of held-back digits."""
        return float(self.metrics("strangers")[name][kind]["ratio"][0])

    # Single digits.

    def gallery(self) -> dict[str, dict[str, np.ndarray]]:
        """Return pictures by corruption and what they show."""
        arrays, found = self.arrays("digits"), {}
        for name in NAMES:
            found[words(name)] = {
                "data": arrays[f"data/{name}"],
                "MAP": arrays[f"map/{name}"],
                "mean": arrays[f"mean/{name}"],
                "2 × std": np.clip(2 * arrays[f"std/{name}"][..., 0].astype(float), 0, 1),
                **{f"draw {k + 1}": arrays[f"draws/{name}"][k] for k in range(5)},
                "truth": arrays[f"truth/{name}"],
            }
        return found

    def mode_weights(self, kind: str, label: str) -> np.ndarray:
        """Return the weights of the masked four's modes by a method; "evidence" are the masses."""
        found = self.metrics("bimodal")[kind]
        if label == "evidence":
            return np.array(found["evidence"])
        return np.array(found["methods"][label]["mode_weights"])

    def modes_honest(self, kind: str, within: float = 0.05) -> float:
        """Return the share of methods whose weights of the modes are right, or which say not.

        Right, within so much of those by particles from the prior.
        """
        reference = self.mode_weights(kind, "SMC from the prior")
        found = self.metrics("bimodal")[kind]["methods"]
        right = [np.abs(self.mode_weights(kind, label) - reference).max() <= within
                 or bool(found[label]["flags"]) for label in found]  # fmt: skip
        return float(np.mean(right))

    def digit_odds(self, kind: str, label: str) -> np.ndarray:
        """Return the shares of draws whose nearest training image is each digit, ``(10,)``."""
        counts = np.array(self.metrics("bimodal")[kind]["methods"][label]["digits"], float)
        return counts / counts.sum()

    def explored(self) -> Explored:
        """Return the pictures of the interactive view."""
        arrays, steps = self.arrays("explorer"), self.metrics("explorer")
        labels = {
            "mask": [f"{w} columns hidden" for w in steps["widths"]],
            "noise": [f"noise {level:g}" for level in steps["levels"]],
        }
        return Explored(
            {
                name: [[png(strip) for strip in digits] for digits in arrays[name]]
                for name in labels
            },
            labels,
            [png(one[None]) for one in arrays["truth"]],
            ("data", "mean", "2 × std", *[f"draw {k + 1}" for k in range(5)]),
        )

    # Another set of images.

    def garments(self, name: str) -> dict[str, Any]:
        """Return the numbers of test garments under one corruption."""
        found: dict[str, Any] = self.metrics("garments")[name]
        return found

    def garment_coverage(self, name: str, part: str, level: float) -> Pair:
        """Return the coverage of hidden active pixels of test garments and its error, per cent."""
        return percent(self.garments(name)["coverage"][part]["predicted"][str(level)])

    def garment_pictures(self) -> dict[str, dict[str, np.ndarray]]:
        """Return test garments and their reconstructions, a row for each and each corruption."""
        arrays = self.arrays("garments")
        return {
            f"{words(name)} {k + 1}": {
                "data": arrays[f"data/{name}"][k],
                "mean": arrays[f"mean/{name}"][k],
                "2 × std": arrays[f"std/{name}"][k],
                **{f"draw {j + 1}": arrays[f"draws/{name}"][k, j] for j in range(3)},
                "truth": arrays["truth"][k],
            }
            for name in self.worn
            for k in range(2)
        }

    # Rivals.

    def scores(self, corruption: str, key: str) -> dict[str, Pair]:
        """Return a score of every method under one corruption."""
        found = self.metrics("rivals")["scores"][corruption]
        rivals = (label for label in sorted(found) if label != "posterior")
        return {
            label: (found[label][key][0], found[label][key][1])
            for label in ("posterior", *rivals)
            if key in found[label]
        }

    def matches(self) -> list[tuple[str, str, str, str]]:
        """Return corruption, kind of network, "on" or "off" its training, and the rival's label."""
        names = ("solid-mask", "noise")
        return [
            (name, kind, "on" if trained == name else "off", f"{kind} for {trained}")
            for name in names
            for kind in ("cvae", "cflow")
            for trained in names
        ]

    def error_ratio(self, corruption: str, label: str) -> Pair:
        """Return the posterior's squared error over a rival's, and its error over digits."""
        ours, theirs = self._paired(corruption, label, "squared_error")
        ratio = ours.mean() / theirs.mean()
        # To first order in the deviations of both means, which are of the same digits.
        error = (ours - ratio * theirs).std() / np.sqrt(len(ours)) / theirs.mean()
        return float(ratio), float(error)

    def log_score_gain(self, corruption: str, label: str) -> Pair:
        """Return by how much the posterior's log score is above a rival's, and its error."""
        ours, theirs = self._paired(corruption, label, "log_score")
        gain = ours - theirs
        return float(gain.mean()), float(gain.std() / np.sqrt(len(gain)))

    def _paired(self, corruption: str, label: str, key: str) -> list[np.ndarray]:
        """Return a score of every digit, ``(n,)``, by the posterior and by a rival."""
        arrays = self.arrays("rivals")
        return [arrays[f"{corruption}/{one}/{key}"].astype(float) for one in ("posterior", label)]

    def rival_coverage(self, corruption: str, label: str) -> Pair:
        """Return the coverage of active pixels by a rival's 95% intervals, per cent."""
        return percent(self.metrics("rivals")["scores"][corruption][label]["coverage"])

    def rival_pictures(self) -> dict[str, dict[str, np.ndarray]]:
        """Return two digits under two corruptions as each rival sees them."""
        arrays = self.arrays("rivals")
        short = {"posterior": "ours", "cvae for solid-mask": "VAE, mask", "wiener": "Wiener",
                 "cvae for noise": "VAE, noise", "cflow for solid-mask": "flow, mask",
                 "cflow for noise": "flow, noise", "total variation": "TV",
                 "nearest": "nearest"}  # fmt: skip
        return {
            f"{words(name)} {k + 1}": {
                "data": arrays[f"{name}/data"][k],
                **{title: arrays[f"{name}/{label}"][k] for label, title in short.items()},
                "truth": arrays["truth"][k],
            }
            for name in ("solid-mask", "noise")
            for k in range(2)
        }

    def training_seconds(self) -> float:
        """Return the mean CPU time of training a network."""
        return float(
            np.mean([t["cpu_seconds"] for t in self.metrics("rivals")["training"].values()])
        )

    def speed(self) -> dict[str, float]:
        """Return times on one core, in seconds, and rates."""
        found = self.metrics("speed")
        maxima, sampling = found["maxima"], found["sampling"]
        return {
            "maxima": maxima["cpu_seconds"] * 1000 / maxima["images"],
            "reached": 100 * maxima["reached"],
            "a_minute": 60 * sampling["images"] / sampling["cpu_seconds"],
            "effective_rate": sampling["effective"] / sampling["cpu_seconds"],
            "one": found["one"]["cpu_seconds"],
            "one_reference": found["one_reference"]["cpu_seconds"],
            "compile": found["compile"]["cpu_seconds"],
        }


def share(value: float, count: int) -> Pair:
    """Return a share of so many and its error in per cent."""
    return 100 * value, 100 * float(np.sqrt(value * (1 - value) / count))


def percent(pair: list[float]) -> Pair:
    """Return a share and its error in per cent."""
    return 100 * pair[0], 100 * pair[1]


def png(pictures: np.ndarray) -> str:
    """Return pictures ``(n, h, w)`` uint8 side by side as the text of a PNG."""
    from matplotlib import image

    content, undated = io.BytesIO(), cast("dict[str, str]", {"Software": None})
    side = np.concatenate(list(pictures), axis=1)
    image.imsave(content, side, cmap="gray", vmin=0, vmax=255, format="png", metadata=undated)
    return base64.b64encode(content.getvalue()).decode("ascii")
