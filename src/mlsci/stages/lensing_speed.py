"""What the stage ``lensing/speed`` computes: nothing but how long it takes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from mlsci.report import files, paths
from mlsci.report.seal import Job


def measure(job: Job) -> None:
    """Run the benchmark of the particle mesh; JaxPM is measured beside it where it is installed.

    Raises
    ------
    RuntimeError
        If the benchmark failed; what it said was printed.
    """
    p = job.params
    runs = job.work / "maps.json"
    files.write_json(runs, p["maps"])
    script = paths.root() / "benchmarks" / "particle_mesh.py"
    command = [
        sys.executable, str(script), "--maps", str(runs), "--out", str(job.out / "speed.json"),
        "--sides", *map(str, p["sides"]), "--ranks", *map(str, p["ranks"]),
        "--precisions", *p["precisions"], "--repeat", str(p["repeat"]), "--keep", str(job.work),
    ]  # fmt: skip
    if importlib.util.find_spec("jaxpm"):
        command.append("--jaxpm")
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise RuntimeError(f"the benchmark failed with exit code {done.returncode}: see above")
