r"""Weak Gaussian fields through the light cone, of which the spectrum is known beforehand.

A lattice hardly displaced, less the lattice at rest, is a Gaussian field that grows linearly. What
its maps must have can be told twice: by Limber's integral, and exactly, for boxes that hold
discrete waves, are cut where they meet, and fan out from the observer. The difference of the two is
what it costs to fill the light cone with boxes, and what Limber leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.fft
from mpi4py import MPI

from mlsci.lensing import initial, nbody
from mlsci.lensing.convergence import sharpen
from mlsci.lensing.cosmology import HUBBLE_DISTANCE, Cosmology
from mlsci.lensing.lightcone import Field, LightCone, depths
from mlsci.lensing.mesh import Mesh
from mlsci.lensing.power import LinearPower
from mlsci.lensing.spectra import Bands
from mlsci.lensing.tiling import stack

_WEAK = 0.1  # of the amplitude: small beside the waves, so that displacements add up


@dataclass(frozen=True)
class Setup:
    """Fields and lenses.

    Parameters
    ----------
    box, cells
        Side in Mpc/h, and particles along it.
    degrees, pixels
        The field of the maps.
    near, far
        Lenses lie between these depths in Mpc/h, mostly half-way. Nearer ones would resolve the
        lattice.
    finest
        Wave number in h/Mpc at which the power spectrum is cut off.
    edges
        ``(bands + 1,)`` multipoles.
    """

    box: float = 256.0
    cells: int = 32
    degrees: float = 6.0
    pixels: int = 96
    near: float = 1200.0
    far: float = 2300.0
    finest: float = 0.25
    edges: tuple[float, ...] = (100.0, 150.0, 200.0, 250.0, 300.0, 350.0, 400.0, 450.0)
    cosmology: Cosmology = field(default_factory=Cosmology)

    @cached_property
    def bands(self) -> Bands:
        """What spectra are measured in."""
        return Bands(Field(np.radians(self.degrees), self.pixels), np.array(self.edges))

    @cached_property
    def power(self) -> Callable[[np.ndarray], np.ndarray]:
        """The linear spectrum of today, without its finest waves."""
        linear = LinearPower(self.cosmology, "eisenstein_hu")
        return lambda k: linear(k) * np.exp(-((k / self.finest) ** 4))

    def lenses(self, chi: np.ndarray) -> np.ndarray:
        """Return the lensing efficiency at depths chi: a parabola, 1 at most."""
        reach = (self.far - self.near) ** 2 / 4
        return np.clip((chi - self.near) * (self.far - chi), 0, None) / reach


def measured(setup: Setup, seed: int) -> np.ndarray:
    """Return the spectrum ``(bands,)`` of one field, its maps made as those of a run are.

    Two lattices, apart by a part of their spacing, sample the same field, and their maps' cross
    spectrum is taken. Where boxes meet, whole planes of a lattice come in or drop out when waves
    are as weak as here; that noise the two do not share.
    """
    cosmology, box, sky = setup.cosmology, setup.box, setup.bands.field
    mesh, modes = _waves(setup, seed)
    modes *= _WEAK
    rest = initial.lattice(mesh)
    a = float(cosmology.scale_factor(setup.far)) * 0.99
    middle = nbody.middle(a, 1.0)
    speed = _momentum(cosmology, middle) / _momentum(cosmology, a)
    table, tiling = setup.lenses(depths(setup.far))[:, None], stack(box, setup.far, seed)
    maps = []
    for shift in (np.zeros(3), np.random.default_rng([seed, 1]).uniform(0, mesh.cell, 3)):
        turn = [np.exp(1j * k * part) for k, part in zip(mesh.k, shift)]
        moved = modes * turn[0][:, None, None] * turn[1][:, None] * turn[2]
        x, p = initial.displaced(mesh, moved, cosmology, a, order=1)
        sums = []
        for positions, momenta in ((x, p * speed), (rest, np.zeros_like(p))):
            density = (setup.cells / box) ** 3
            cone = LightCone(cosmology, tiling, sky, table, setup.far, density)
            cone.advance(middle, a, 1.0, positions + shift, momenta)
            sums.append(cone.maps[..., 0])
        maps.append(sharpen(sums[0] - sums[1]) / _WEAK)
    return setup.bands.measure(*maps).power


def direct(setup: Setup, seed: int) -> np.ndarray:
    """Return the spectrum ``(bands,)`` of the field of `measured`, without particles.

    Every wave of the box is summed at every pixel and depth. It scatters as `measured` does, and
    its mean is `periodic`: what the two differ by, over few seeds, is what particles do.
    """
    mesh, modes = _waves(setup, seed)
    density = mesh.backward(modes)
    box, sky = setup.box, setup.bands.field
    tiling = stack(box, setup.far, seed)
    angle = (np.arange(sky.pixels) + 0.5) * sky.pixel - sky.width / 2
    k = 2 * np.pi * np.fft.fftfreq(setup.cells, mesh.cell)
    kappa = np.zeros((sky.pixels, sky.pixels))
    for tile, low, high, nodes in _slabs(setup):
        # Along u, v and the depth, as the tile shows the box.
        axes, signs, shifts = tiling.axes[tile], tiling.signs[tile], tiling.shifts[tile]
        waves = scipy.fft.fftn(density.transpose(axes[[2, 0, 1]])) / setup.cells**3
        chi, weight = _between(low, high, nodes)
        along = np.exp(1j * signs[2] * np.outer(chi - shifts[2], k))
        planes = (along * (weight * _kernel(setup, chi))[:, None]) @ waves.reshape(len(k), -1)
        for depth, plane in zip(chi, planes.reshape(-1, len(k), len(k))):
            u, v = (np.exp(1j * signs[i] * np.outer(depth * angle - shifts[i], k)) for i in (0, 1))
            kappa += (v @ plane.T @ u.T).real
    return setup.bands.measure(kappa).power


def limber(setup: Setup) -> np.ndarray:
    """Return what Limber's integral gives ``(bands,)``, as the maps' window shows it."""
    chi, step = _between(setup.near, setup.far, 400)
    weight = (_kernel(setup, chi) / chi) ** 2 * step
    return setup.bands.average(lambda ell: setup.power(np.outer(ell, 1 / chi)) @ weight)


def periodic(setup: Setup) -> np.ndarray:
    """Return the mean of `measured` over seeds ``(bands,)``, by a sum over the waves of a box.

    Boxes are shifted independently, so that their spectra add up. In one, a wave k gives the mode
    ell of a map the integral of W D1 exp(i kz chi) w(ell - chi k_perp) over depth, with the
    transform w of the map's window.
    """
    sky, box = setup.bands.field, setup.box
    size = int(1.5 * setup.finest * box / (2 * np.pi))
    k = 2 * np.pi / box * np.arange(-size, size + 1)
    power = setup.power(np.sqrt(sum(one**2 for one in np.meshgrid(k, k, k, indexing="ij"))))
    # The window is a product of two; both are even about the centre of the field.
    edge = np.sqrt(np.diag(setup.bands.window))
    angle = (np.arange(sky.pixels) + 0.5) * sky.pixel - sky.width / 2
    area = float(np.sum(edge**2) * sky.pixel) ** 2
    step = 2 * np.pi / sky.width
    most = int(setup.edges[-1] / step)
    total = np.zeros((2, len(setup.edges) - 1))
    slabs = []
    for _, low, high, nodes in _slabs(setup):
        chi, weight = _between(low, high, nodes)
        waves = np.exp(1j * np.outer(k, chi)) * (weight * _kernel(setup, chi))
        across = [
            np.cos((n * step - np.outer(chi, k))[..., None] * angle) @ edge * sky.pixel
            for n in range(most + 1)
        ]
        slabs.append((waves, across))
    for i in range(most + 1):
        for j in range(i + 1):
            band = np.searchsorted(setup.edges, step * np.hypot(i, j), side="right") - 1
            if not 0 <= band < total.shape[1]:
                continue
            alike = 4 if j == 0 or i == j else 8  # modes of the map that differ by symmetries
            for waves, across in slabs:
                both = across[i][:, :, None] * across[j][:, None, :]
                seen = (waves @ both.reshape(len(both), -1)).reshape(power.shape)
                total[0, band] += alike * np.sum(power * np.abs(seen) ** 2) / box**3 / area
            total[1, band] += alike
    return total[0] / total[1]


def _waves(setup: Setup, seed: int) -> tuple[Mesh, np.ndarray]:
    """Return the lattice of particles, and the linear density of today in Fourier space."""
    mesh = Mesh(setup.box, setup.cells, MPI.COMM_SELF, "f8")
    return mesh, initial.linear_density(mesh, initial.white_noise(mesh, seed), setup.power)


def _slabs(setup: Setup) -> Iterator[tuple[int, float, float, int]]:
    """Yield boxes with lenses, from where to where, and how many points an integral needs."""
    nodes = int(4 * setup.finest * setup.box / np.pi)  # four a wave
    for tile in range(int(setup.near // setup.box), int(np.ceil(setup.far / setup.box))):
        low, high = tile * setup.box, (tile + 1) * setup.box
        yield tile, max(low, setup.near), min(high, setup.far), nodes


def _kernel(setup: Setup, chi: np.ndarray) -> np.ndarray:
    """Return W D1 at depths chi."""
    a = setup.cosmology.scale_factor(chi)
    factor = 1.5 * setup.cosmology.omega_m / HUBBLE_DISTANCE**2
    return factor * chi * setup.lenses(chi) / a * setup.cosmology.growth1(a)


def _momentum(cosmology: Cosmology, a: float) -> float:
    """Return the momentum of a unit displacement in linear theory."""
    return float(a**2 * cosmology.expansion(a) * cosmology.rate1(a) * cosmology.growth1(a))


def _between(low: float, high: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and weights of Gauss and Legendre's rule."""
    x, weight = np.polynomial.legendre.leggauss(nodes)
    return low + (x + 1) * (high - low) / 2, weight * (high - low) / 2
