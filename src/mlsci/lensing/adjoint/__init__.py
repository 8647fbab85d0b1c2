"""Exact derivatives of the simulator, forwards and backwards, in time and memory alike.

Every operation has its derivative by hand: what a change of its input does (jvp), and what the
gradient with respect to its output says of its input (vjp). `model` puts them together.

    `transforms`, inner products, and transposes of Fourier transforms; `kernels`, the hot loops;
    `mesh`, painting and reading; `forces`, gravity and sharpening, with its parameters; `initial`,
    the transfer function and perturbation theory; `leapfrog`, the steps in time, which the adjoint
    goes back through instead of recording them; `lightcone`, particles at their own crossings;
    `cosmology`, `power` and `sources`, what depends on the cosmology alone; `model`, whole runs.
Uses: `fisher`, forecasts and optimal compression; `inference`, the posterior of initial conditions,
its maximum, and coverage; `sampling`, the simulator in TensorFlow and draws from the posterior;
`calibration`, the sharpening fitted by gradient. `checks` tells how exact it all is.
"""
