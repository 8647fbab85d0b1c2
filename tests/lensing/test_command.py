"""The command: what it writes, what it refuses, and what is left of it when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mlsci.lensing import io
from mlsci.lensing.__main__ import _parser, main, settings_of

QUICK = ["--particles", "16", "--sharpening", "none", "--pixels", "32", "--degrees", "5",
         "--transfer", "eisenstein_hu", "--stages", "6", "--sources", "0.6", "1"]  # fmt: skip


def test_a_run_writes_maps_spectra_and_a_picture(tmp_path, capsys):
    assert main(["run", "--output", str(tmp_path), "--planes", "4", *QUICK]) == 0
    said = capsys.readouterr().out
    assert "GiB" in said
    assert "s left" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "maps.fits", "maps.png", "spectra.json",
    ]  # fmt: skip
    maps, field, header = io.read_maps(tmp_path / "maps.fits")
    assert [name for name in maps if name.endswith("_1")] == [
        "KAPPA_1", "RAYS_1", "GAMMA1_1", "GAMMA2_1", "OMEGA_1",
    ]  # fmt: skip
    assert maps["KAPPA_0"].dtype == np.float32
    assert np.degrees(field.width) == pytest.approx(5)
    assert header["settings"]["particles"] == 16
    spectra = json.loads((tmp_path / "spectra.json").read_text())
    assert len(spectra["sources"]) == 2
    assert len(spectra["ell"]) == len(spectra["sources"][0]["power"])
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")


def test_galaxies_are_written_as_a_catalogue(tmp_path):
    assert main(["run", "--output", str(tmp_path), *QUICK, "--galaxies", "0.1"]) == 0
    found, about = io.read_catalogues(tmp_path / "galaxies.h5")
    assert json.loads(about["settings"])["particles"] == 16
    one = found["SOURCE_1"]
    number = 0.1 * (5 * 60) ** 2
    assert len(one["e1"]) == pytest.approx(number, abs=5 * np.sqrt(number))
    assert np.abs(one["x"]).max() < 2.5
    assert np.std(one["e1"] - one["g1"]) == pytest.approx(about["dispersion"], rel=0.05)


@pytest.mark.parametrize(
    ("options", "mend"),
    [(["--degrees", "7"], "at most 6 degrees"), (["--sources", "20"], "beyond the light cone"),
     (["--particles", "20000"], "fewer particles"), (["--resume"], "--snapshots"),
     (["--sigma8", "-1"], "sigma8")],
)  # fmt: skip
def test_refusals_come_before_anything_is_written(tmp_path, capsys, options, mend):
    quick = ["--sharpening", "none", "--pixels", "16", "--degrees", "5"]
    assert main(["run", "--output", str(tmp_path / "out"), *quick, *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("refused: ")
    assert mend in error
    assert not list(tmp_path.iterdir())


def test_options_replace_what_a_file_of_settings_says(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"box": 512, "particles": 512, "cosmology": {"h": 0.7}}))
    options = _parser().parse_args(
        ["run", "--settings", str(file), "--box", "300", "--sigma8", "0.7", "--sharpening", "none",
         "--integrator", "bullfrog"]
    )  # fmt: skip
    settings = settings_of(options)
    assert (settings.box, settings.particles, settings.sharpening) == (300, 512, None)
    assert (settings.cosmology.h, settings.cosmology.sigma8) == (0.7, 0.7)
    assert settings.integrator == "bullfrog"


@pytest.mark.slow
def test_a_killed_run_leaves_whole_snapshots_only_and_goes_on(tmp_path):
    output = tmp_path / "out"
    command = ["run", "--output", str(output), "--snapshots", "1", *QUICK, "--particles", "64"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "mlsci.lensing", *command], env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 120
        while not (output / "snapshots" / "step-0002.h5").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not (output / "maps.fits").exists()
    for path in (output / "snapshots").glob("step-*.h5"):
        assert np.isfinite(io.read_snapshot(path).x).all()
    assert main([*command, "--resume"]) == 0
    again = tmp_path / "again"
    assert main(["run", "--output", str(again), *QUICK, "--particles", "64"]) == 0
    one, two = (io.read_maps(path / "maps.fits")[0]["KAPPA_1"] for path in (output, again))
    assert np.linalg.norm(one - two) < 1e-4 * np.linalg.norm(two)


@pytest.mark.mpi
@pytest.mark.slow
def test_the_batch_script_runs_on_two_ranks(top: Path, tmp_path):
    done = subprocess.run(
        ["bash", str(top / "workflow" / "lensing.sh"), "--output", str(tmp_path / "out"), *QUICK,
         "--particles", "32"],
        env={**os.environ, "RANKS": "2", "PYTHON": sys.executable}, cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "on each of 2 ranks" in done.stdout
    assert io.read_maps(tmp_path / "out" / "maps.fits")[0]["KAPPA_0"].std() > 0


@pytest.mark.mpi
@pytest.mark.slow
def test_the_batch_script_refuses_and_names_what_is_missing(top: Path, tmp_path):
    script = str(top / "workflow" / "lensing.sh")

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", script, *arguments], env={**os.environ, "RANKS": "2", **environment},
            cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    refused = run("--degrees", "9", PYTHON=sys.executable)
    assert refused.returncode == 2
    assert refused.stderr.count("refused") == 1
    missing = run(PYTHON=str(tmp_path / "python"))
    assert missing.returncode == 1
    assert "make setup" in missing.stderr
