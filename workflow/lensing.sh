#!/usr/bin/env bash
# One lensing run on several ranks, under plain bash, under sbatch, and in CI:
#
#   workflow/lensing.sh --output lensing --sources 0.5 1            as many ranks as there are cores
#   RANKS=4 workflow/lensing.sh --particles 128 --box 256
#   sbatch --ntasks=64 workflow/lensing.sh --particles 512 --box 512
#
# Arguments are those of `python -m mlsci.lensing run`. The environment's own mpiexec is used, never
# the one on PATH: that of another MPI would start as many runs as ranks. PYTHON=… names another
# interpreter than that of the checkout's environment.
#
#SBATCH --job-name=lensing
#SBATCH --ntasks=16
#SBATCH --cpus-per-task=1
#SBATCH --time=02:00:00
#SBATCH --output=lensing-%j.log
set -euo pipefail

# sbatch runs a copy of this file from elsewhere, in the folder from which it was submitted.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[ -f "$root/pyproject.toml" ] || root=${SLURM_SUBMIT_DIR:-$PWD}
python=${PYTHON:-$root/.venv/bin/python}
if [ ! -x "$python" ] && ! command -v "$python" >/dev/null; then
    echo "there is no $python: run 'make setup' in the checkout, or name one by PYTHON=…" >&2
    exit 1
fi
mpiexec=$("$python" -c 'import pathlib, sys; print(pathlib.Path(sys.prefix) / "bin" / "mpiexec")')
if [ ! -x "$mpiexec" ]; then
    echo "the environment of $python has no mpiexec: install the package 'mpich' into it" >&2
    exit 1
fi
cores=$("$python" -c 'import os; print(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())')
ranks=${RANKS:-${SLURM_NTASKS:-$cores}}

# One thread a rank: ranks are the parallelism.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec "$mpiexec" -n "$ranks" "$python" -m mlsci.lensing run "$@"
