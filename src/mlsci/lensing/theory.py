"""Predicted spectra of the convergence: non-linear matter power, projected in Limber's way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from mlsci.lensing.cosmology import Cosmology
from mlsci.lensing.power import LinearPower, Transfer, camb_parameters
from mlsci.lensing.sources import Source, farthest, kernel

Model = Literal["linear", "takahashi", "mead2020"]
MatterPower = Callable[[np.ndarray, np.ndarray], np.ndarray]  # P(k, a), both of one shape
_K_MAX = 100.0  # h/Mpc; a power law goes on from there
_NODES = 256  # of the integral over distance


def matter_power(
    cosmology: Cosmology, z_max: float, model: Model = "takahashi", transfer: Transfer = "camb"
) -> MatterPower:
    """Return P(k, a) in (Mpc/h)^3, for k in h/Mpc and a of one shape.

    Parameters
    ----------
    z_max
        Redshift to which it will be asked for.
    model
        ``"linear"``; ``"takahashi"``, halofit of Takahashi et al. 2012, arXiv:1208.2701;
        ``"mead2020"``, HMcode of Mead et al. 2021, arXiv:2009.01858, without baryonic feedback.
    transfer
        Of the linear spectrum; the non-linear ones are always CAMB's.
    """
    if model == "linear":
        linear = LinearPower(cosmology, transfer)
        return lambda k, a: linear(k) * cosmology.growth1(a) ** 2
    import camb

    parameters = camb_parameters(cosmology, halofit_version=model)
    parameters.WantCls = False
    splined = camb.get_matter_power_interpolator(
        parameters, nonlinear=True, hubble_units=True, k_hunit=True, kmax=_K_MAX,
        zmax=z_max + 0.1, extrap_kmax=1e6,
    )  # fmt: skip
    return lambda k, a: np.asarray(splined.P(1 / a - 1, k, grid=False))


def convergence_spectrum(
    cosmology: Cosmology, power: MatterPower, ell: np.ndarray, source: Source,
    other: Source | None = None,
) -> np.ndarray:  # fmt: skip
    """Return C_ell of the convergence of one source, or the cross-spectrum of two.

    Limber's integral over comoving distance of W W' P(k = ell / chi) / chi^2, on a flat sky.
    Source: Bartelmann & Schneider 2001, arXiv:astro-ph/9912508, eq. 6.23.

    Parameters
    ----------
    power
        From `matter_power`.
    ell
        ``(n,)``, positive.

    Returns
    -------
    np.ndarray
        ``(n,)``, in steradians.
    """
    ell = np.asarray(ell, float)
    other = source if other is None else other
    z_end = min(farthest(source), farthest(other))
    chi, step = _nodes(float(cosmology.distance(1 / (1 + z_end))))
    k = ell[:, None] / chi
    a = np.broadcast_to(cosmology.scale_factor(chi), k.shape)
    weight = kernel(cosmology, source, chi) * kernel(cosmology, other, chi) / chi**2
    return (power(k, a) * weight) @ step


def shot_noise(cosmology: Cosmology, density: float, source: Source) -> float:
    """Return the white spectrum that independent particles add to C_ell, in steradians.

    The integral of W^2 / (chi^2 n) over distance, for n particles per (Mpc/h)^3. Particles that
    started on a lattice are more even than this on scales above their spacing.
    """
    chi, step = _nodes(float(cosmology.distance(1 / (1 + farthest(source)))))
    return float(((kernel(cosmology, source, chi) / chi) ** 2 / density) @ step)


def mean_convergence(cosmology: Cosmology, source: Source) -> float:
    """Return the integral of W over distance: what all matter, not its excess, would give."""
    chi, step = _nodes(float(cosmology.distance(1 / (1 + farthest(source)))))
    return float(kernel(cosmology, source, chi) @ step)


def _nodes(end: float) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights of Gauss and Legendre's rule between 0 and `end`."""
    x, weight = np.polynomial.legendre.leggauss(_NODES)
    return (x + 1) * end / 2, weight * end / 2
