"""Gravitational lensing by simulated matter: a particle-mesh N-body code, its light cone, its maps.

Nothing is imported here, so that no part costs more than what it needs.

The particle mesh
    `fft`, Fourier transforms of a mesh split over ranks; `pfft`, the same under the name that the
    package `pmesh` asks for; `mesh`, a periodic box of cells over ranks; `exchange`, particles sent
    to the rank of their cell, and back; `kernels`, the hot loops, which `compiled` keeps;
    `initial`, white noise and Lagrangian perturbation theory; `forces`, gravity; `nbody`, the steps
    in time; `bullfrog`, steps of another kind; `integrators`, the choice between them;
    `sharpening`, the correction for what a mesh cannot resolve, with parameters `fitted` to this
    program by `calibration`; `scaling`, what a step will cost on many ranks.
Theory
    `cosmology`, distances, growth, FastPM's factors; `power`, the linear spectrum; `sources`,
    lensed galaxies and the kernel of their lensing; `theory`, spectra of the convergence.
From particles to maps
    `tiling`, boxes along the line of sight; `lightcone`, particles met by the past light cone;
    `convergence`, Born maps; `shear`, shear and deflection; `raytracing`, many lens planes.
Measurements, and whole runs
    `spectra`, of maps and of particles; `statistics`, one-point distribution and peaks; `settings`,
    what a run is asked, and refusals; `simulate`, a whole run; `io`, its files; `results`, what the
    command (``python -m mlsci.lensing run``) leaves.
"""
