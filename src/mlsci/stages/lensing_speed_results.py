"""What the notebook on speed reads from the artefact of ``lensing/speed``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.power import LinearPower
from mlsci.lensing.scaling import Costs, Traffic, step_time, traffic
from mlsci.report.session import Session

Claim = tuple[str, float, str]  # key, value, description

# The original's, seconds of processor time on a machine of this kind, one process, with the
# particles interpolated between steps; and memory in GB (10^9 bytes), the least it took.
ORIGINAL = {"sparse": 6.1, "medium": 93.0, "dense": 107.0, "dense-sharpened": 133.0}
ORIGINAL_MEMORY = 2.8
RUNS = {
    "sparse": "64³ particles in 512 Mpc/h",
    "medium": "128³ in 512 Mpc/h",
    "dense": "128³ in 256 Mpc/h",
    "dense-sharpened": "the same, sharpened",
    "large": "256³ in 256 Mpc/h, sharpened",
}
# A node of 64 cores with a network of 100 Gbit/s, all of which send at once.
BANDWIDTH, LATENCY = 100e9 / 8 / 64, 5e-6
PARTS = {
    "paint": "paint", "forward": "transform", "filter": "filter", "backward": "transform back",
    "read": "gradient and reading", "drift": "drift", "exchange": "exchange", "return": "return",
}  # fmt: skip


class SpeedResults:
    """Times and memory: seconds of processor time unless said otherwise, GB of 10^9 bytes."""

    def __init__(self, session: Session) -> None:
        folder = session.artefact("lensing/speed")
        self._found: dict[str, Any] = json.loads((folder / "speed.json").read_text("utf-8"))
        self._lines: list[dict[str, Any]] = self._found["results"]
        self._side: int = max(line["side"] for line in self._lines)

    @property
    def machine(self) -> str:
        """The processor and the day, in words."""
        machine = self._found["machine"]
        return f"{machine['cores']} cores of {machine['cpu']}, {self._found['measured'][:10]}"

    @property
    def compilation(self) -> float:
        """Seconds that compiling takes the first time."""
        return float(self._found["compilation_cpu"])

    # --- whole runs -------------------------------------------------------------------------------

    def run(self, name: str) -> dict[str, float]:
        """Return `cpu`, `wall` (seconds) and `memory_mb` of a whole run, one of `RUNS`."""
        return dict(self._found["maps"][name])

    def memory(self, name: str) -> float:
        """Return the memory of a whole run in GB, of all its ranks."""
        return self.run(name)["memory_mb"] / 1e3

    def beside_original(self) -> dict[str, dict[str, float]]:
        """Return seconds by program and run, for those whose time with the original is known."""
        return {
            RUNS[name]: {"MADLens": seconds, "this": self.run(name)["cpu"]}
            for name, seconds in ORIGINAL.items()
        }

    def times_less(self, name: str) -> float:
        """Return how many times fewer seconds a run takes than with the original."""
        return ORIGINAL[name] / self.run(name)["cpu"]

    # --- the particle mesh alone ------------------------------------------------------------------

    def line(self, ranks: int = 1, precision: str = "f4") -> dict[str, Any]:
        """Return what was measured of the largest particle mesh."""
        return next(
            line for line in self._lines
            if line["code"] == "mlsci" and line["side"] == self._side
            and line["ranks"] == ranks and line["precision"] == precision
        )  # fmt: skip

    def over_transforms(self) -> float:
        """Return the cost of a step over that of its two transforms, the worst of precisions."""
        return max(
            line["step_over_transforms"] for line in self._lines
            if line["code"] == "mlsci" and line["side"] == self._side and line["ranks"] == 1
        )  # fmt: skip

    def parts(self) -> dict[str, dict[str, float]]:
        """Return nanoseconds a particle of the parts of a step, by precision of the mesh."""
        found: dict[str, dict[str, float]] = {label: {} for label in PARTS.values()}
        for line in self._lines:
            if line["code"] == "mlsci" and line["side"] == self._side and line["ranks"] == 1:
                label = {"f4": "float32", "f8": "float64"}[line["precision"]]
                for name, words in PARTS.items():
                    found[words][label] = 1e9 * line[f"{name}_cpu"] / self._side**3
        return {
            words: row for words, row in found.items() if max(row.values()) > 0.5
        }  # one rank exchanges nothing

    def jaxpm(self) -> list[dict[str, Any]]:
        """Return what was measured of JaxPM, none where it was not installed."""
        return [
            line for line in self._lines
            if line["code"] == "jaxpm" and line["side"] == self._side
        ]  # fmt: skip

    def beside_jaxpm(self) -> dict[str, dict[str, float]]:
        """Return seconds of the steps by program: of processor on one core, of the clock on all."""
        groups = {"one core": {"this": self.line()["steps_cpu"]}}
        for line in self.jaxpm():
            name = f"JaxPM {line['version']}"
            if line["threads"] == 1:
                groups["one core"] = {name: line["steps_cpu"], **groups["one core"]}
            else:
                ours = self.line(ranks=line["threads"])["steps_wall"]
                groups[f"{line['threads']} cores"] = {name: line["steps_wall"], "this": ours}
        return groups

    def over_jaxpm(self) -> list[Claim]:
        """Return how many times as fast as JaxPM this is, where JaxPM was measured."""
        found: list[Claim] = []
        for line in self.jaxpm():
            same = f"{self._side}^3 particles, mesh 2x, 10 steps, float32, compiled before"
            if line["threads"] == 1:
                ratio = line["steps_cpu"] / self.line()["steps_cpu"]
                words = "processor time on one core"
            else:
                ratio = line["steps_wall"] / self.line(ranks=line["threads"])["steps_wall"]
                words = f"time on the clock on {line['threads']} cores"
            key = f"lensing.speed_over_jaxpm_{line['threads']}"
            found.append((key, ratio, f"Times as fast as JaxPM, {words}: {same}"))
        return found

    def said_of_jaxpm(self) -> str:
        """Return a sentence on JaxPM."""
        for line in self.jaxpm():
            if line["threads"] == 1:
                return (
                    f"JaxPM {line['version']}: {line['steps_cpu']:.1f} s of processor, after "
                    f"{line['warm_up_cpu']:.0f} s with compilation, {line['memory_mb']:.0f} MB; "
                    f"particles of both end {line['difference']:.1e} cells apart"
                )
        return "JaxPM is not installed here: pip install --group benchmark, and measure again"

    # --- many ranks -------------------------------------------------------------------------------

    def ranks(self) -> list[int]:
        """Return the numbers of ranks that were measured."""
        return sorted({line["ranks"] for line in self._lines if line["code"] == "mlsci"})

    def scaling(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return ranks, and time on the clock of all steps, by precision; and the ideal."""
        ranks = np.array(self.ranks())
        curves = {}
        for precision, label in (("f4", "float32"), ("f8", "float64")):
            lines = [line for line in self._lines if line.get("precision") == precision]
            if any(line["code"] == "mlsci" for line in lines):
                walls = [self.line(n, precision)["steps_wall"] for n in ranks.tolist()]
                curves[label] = ranks, np.array(walls)
        first = next(iter(curves.values()))[1][0]
        return {**curves, "ideal, of float32": (ranks, first / ranks)}

    def speedup(self, ranks: int = 2) -> float:
        """Return how many times as fast the steps are on two ranks, by the clock."""
        return float(self.line()["steps_wall"] / self.line(ranks)["steps_wall"])

    def costs(self) -> Costs:
        """Return what one core costs, as measured, and its share of an assumed network."""
        line = self.line()
        particles, cells = self._side**3, (2 * self._side) ** 3
        work = sum(line[f"{name}_cpu"] for name in ("paint", "read", "drift"))
        transforms = sum(line[f"{name}_cpu"] for name in ("forward", "filter", "backward"))
        return Costs(work / particles, transforms / (cells * np.log2(cells)), BANDWIDTH, LATENCY)

    def predicted(self, side: int, ranks: int) -> float:
        """Return the seconds of a step with a particle for each Mpc/h."""
        return step_time(side, 2, ranks, 4, displacement(), self.costs())

    def traffic(self, side: int, ranks: int) -> Traffic:
        """Return what a rank sends for one force."""
        return traffic(side, 2, ranks, 4, displacement())

    def network_share(self, side: int, ranks: int) -> float:
        """Return the share of a step that the network takes."""
        sent = self.traffic(side, ranks)
        waiting = sent.total / BANDWIDTH + sent.messages * LATENCY
        return waiting / self.predicted(side, ranks)

    def predictions(self, sides: tuple[int, ...]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return ranks, and predicted seconds of a step, by the number of particles."""
        ranks = 2 ** np.arange(0, 13, 2)
        return {
            f"{side}³": (ranks, np.array([self.predicted(side, int(n)) for n in ranks]))
            for side in sides
        }


def displacement() -> float:
    """Return the dispersion of linear displacements today along an axis, in Mpc/h."""
    k = np.geomspace(1e-4, 10, 2000)
    power = LinearPower(Cosmology(), "eisenstein_hu")(k)
    return float(np.sqrt(np.trapezoid(power * k, np.log(k)) / (6 * np.pi**2)))
