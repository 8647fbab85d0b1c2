"""Gravitational lensing by simulated matter: a particle-mesh N-body code, its light cone, its maps.

Nothing is imported here, so that no part costs more than what it needs.

The particle mesh
    `pfft`, parallel Fourier transforms under the name that `pmesh` asks for; `compiled`, how the hot
    loops are compiled and kept; `mesh`, a periodic mesh split over ranks, and its transforms;
    `exchange`, particles sent to the rank of their cell and back; `kernels`, painting, reading and
    filtering; `initial`, white noise and Lagrangian perturbation theory; `forces`, gravity;
    `nbody`, the steps in time; `sharpening`, the correction for what a mesh cannot resolve.
"""
