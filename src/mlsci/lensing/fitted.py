"""Parameters of the sharpening that were fitted to this program's own light cones.

By `mlsci.lensing.calibration`, half-way between two theories of matter power; BullFrog's are those
of the stage ``lensing/sharpening``, the leapfrog's of one search in a small box, with all bands to
4 h/Mpc alike. By integrator, then as in `mlsci.lensing.sharpening`: (stages, Mpc/h between
particles, force mesh over lattice).
"""

from __future__ import annotations

FITTED: dict[str, dict[tuple[int, float, int], dict[str, float]]] = {
    "leapfrog": {
        (11, 1.0, 2): {"low": 0.0972892, "high": 5.67245, "alpha0": 0.00227681, "mu": -2.26767},
    },
    "bullfrog": {
        (11, 1.0, 2): {"low": 0.366422, "high": 21426.8, "alpha0": 0.00145448, "mu": -1.39692},
    },
}
