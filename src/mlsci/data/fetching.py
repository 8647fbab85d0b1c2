"""Fetch what is missing into the cache, `data/raw`: what `make data` does.

Two ways, tried in this order: the Debian package, unpacked without being installed (no root
needed); the official addresses. A file enters the cache by one rename and only after its content
was verified, so a broken connection or a killed run leaves nothing that could be taken for data;
files that were complete are not fetched again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from . import idx
from .errors import DamagedData, DataError, MissingData
from .loader import check, verify
from .places import Found, available, cache_folder, missing, stored
from .registry import REGISTRY, DataFile, DataSet, SystemPackage, describe

ATTEMPTS = 3  # at each address
PAUSE = 1.0  # seconds before the second attempt; doubled before the third
TIMEOUT = (10.0, 60.0)  # seconds to connect, and without a byte


class _Unobtainable(Exception):  # noqa: N818  (an answer, rather than an error)
    """One way of fetching did not work; the message says why."""


def fetch(names: Iterable[str] | None = None) -> dict[str, Found]:
    """Verify the data sets that are there and fetch those that are not; print what happens.

    Parameters
    ----------
    names : iterable of str, optional
        The sets that are needed. By default all sets, as far as they can be had: one that cannot
        is reported, not an error, because smaller sets are always there.

    Returns
    -------
    dict of str to Found
        Where each set lies now.

    Raises
    ------
    MissingData
        If a set in `names` is not there and cannot be fetched.
    DamagedData
        If a set is damaged in a place that is not ours to mend (any but the cache).
    """
    result: dict[str, Found] = {}
    errors: list[DataError] = []
    for name in REGISTRY if names is None else tuple(names):
        dataset = describe(name)
        try:
            result[name] = found = _obtain(dataset)
            _say(f"{name}: {found.provider} ({found.path})")
        except DataError as error:
            _say(str(error))
            if names is not None or isinstance(error, DamagedData):
                errors.append(error)
    if errors:
        raise errors[0]
    return result


def _obtain(dataset: DataSet) -> Found:
    found = available(dataset.name)
    if found is not None:
        try:
            verify(dataset, found)
            return found
        except DamagedData as error:
            if found.kind != "cache":
                raise
            _say(f"{error.name}: {error.file}: {error.cause}; removing it")
            _discard(dataset, found.path)
            found = available(dataset.name)  # a place further down may have it
            if found is not None:
                verify(dataset, found)
                return found

    cache = cache_folder()
    reasons = _fill(dataset, cache / dataset.name) if cache else ["there is no cache to fill"]
    found = None if reasons else available(dataset.name)
    if found is None:
        tried = "".join(f"\n    - {reason}" for reason in reasons)
        base = missing(dataset)
        raise MissingData(base.name, base.file, f"{base.cause}\n  Tried{tried}", base.mend)
    return found


def _discard(dataset: DataSet, folder: Path) -> None:
    for file in dataset.files:
        while not _intact(dataset, folder, file) and (path := stored(folder, file)):
            path.unlink()


def _fill(dataset: DataSet, folder: Path) -> list[str]:
    """Complete a data set's folder in the cache; return why that did not work, or nothing."""
    reasons: list[str] = []
    for way in (_from_debian, _from_addresses):
        absent = [file for file in dataset.files if not _intact(dataset, folder, file)]
        folder.parent.mkdir(parents=True, exist_ok=True)
        # beside its goal: a rename is atomic within a file system only
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{dataset.name}-") as tmp:
            try:
                way(dataset, absent, Path(tmp), folder)
                return []
            except _Unobtainable as error:
                reasons.append(str(error))
    return reasons


def _intact(dataset: DataSet, folder: Path, file: DataFile) -> bool:
    path = stored(folder, file)
    try:
        return path is not None and _accept(dataset, file, path)
    except DamagedData:
        return False


def _accept(dataset: DataSet, file: DataFile, path: Path) -> bool:
    """Verify a file's content, wherever it lies; raise DamagedData if it is not the published."""
    here = Found(dataset.name, "cache", path.parent, "")
    try:
        content = idx.unpack(path)
    except idx.IdxError as error:
        raise DamagedData(dataset.name, path.name, str(error), "fetch it again") from None
    check(dataset, here, file, content)
    return True


def _keep(file: DataFile, path: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    path.replace(folder / f"{file.name}.gz")


def _from_debian(dataset: DataSet, files: Sequence[DataFile], tmp: Path, folder: Path) -> None:
    """Download the Debian package and unpack it, as any user."""
    if dataset.system is None:
        raise _Unobtainable("no Debian package carries it")
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise _Unobtainable("there is no apt on this system")
    _say(f"{dataset.name}: unpacking the Debian package {dataset.system.package} into {folder}")
    unpacked = _unpack_package(dataset.system, tmp)
    try:
        for file in files:
            path = stored(unpacked, file)
            if path is None:
                raise _Unobtainable(f"{dataset.system.package} does not hold {file.name}")
            _accept(dataset, file, path)
            _keep(file, path, folder)
    except DamagedData as error:
        raise _Unobtainable(f"{dataset.system.package}: {error.file}: {error.cause}") from None


def _unpack_package(system: SystemPackage, tmp: Path) -> Path:
    get = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"]
    try:
        _run([*get, "download", system.package], tmp)
    except _Unobtainable:
        # The system's package lists are absent (fresh containers) or old, and only root may
        # renew them: make a set of our own.
        for part in ("lists/partial", "cache/archives/partial"):
            (tmp / part).mkdir(parents=True, exist_ok=True)
        get += ["-o", f"Dir::State::Lists={tmp / 'lists'}", "-o", f"Dir::Cache={tmp / 'cache'}"]
        _run([*get, "update"], tmp)
        _run([*get, "download", system.package], tmp)
    archives = sorted(tmp.glob("*.deb"))
    if not archives:
        raise _Unobtainable(f"apt-get downloaded no archive of {system.package}")
    _run(["dpkg-deb", "-x", str(archives[-1]), str(tmp / "root")], tmp)
    return tmp / "root" / system.folder.relative_to("/")


def _run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Unobtainable(f"{command[0]}: {error}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        why = said[0] if said else done.stderr.strip()[-200:]
        raise _Unobtainable(f"{command[0]} failed: {why}")


def _from_addresses(dataset: DataSet, files: Sequence[DataFile], tmp: Path, folder: Path) -> None:
    """Download the files, each from the first address that delivers it undamaged."""
    for file in files:
        part = tmp / f"{file.name}.gz"
        urls = [f"{address}{file.name}.gz" for address in dataset.addresses]
        if file.address:
            urls.append(file.address)
        if not urls:
            raise _Unobtainable("there is no official address to download it from")
        reasons = []
        for url in urls:
            _say(f"{dataset.name}: downloading {url}")
            try:
                _download(url, part, lambda: _accept(dataset, file, part))  # noqa: B023
                _keep(file, part, folder)
                break
            except _Unobtainable as error:
                reasons.append(str(error))
        else:
            raise _Unobtainable("; ".join(reasons))


def _download(url: str, part: Path, accept: Callable[[], bool]) -> None:
    """Download to `part` until it is accepted; give up at once where the server says no."""
    import pooch  # here: slow to import, and most runs download nothing
    import requests

    get = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=1 << 16, timeout=TIMEOUT)
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE * 2 ** (attempt - 1))
            _say(f"  {why}; trying again ({attempt + 1} of {ATTEMPTS})")
        try:
            get(url, str(part), None)
            accept()
            return
        except requests.HTTPError as error:
            why = str(error)
            if error.response is not None and error.response.status_code < 500:
                break
        except DamagedData as error:
            why = error.cause
        except requests.ConnectionError as error:
            # there is a reason where no connection came about: no network, no such host, refused
            reason = getattr(error.args[0] if error.args else None, "reason", None)
            if reason is not None:
                why = f"cannot be reached ({type(reason).__name__})"
                break
            why = str(error)
        except (requests.RequestException, OSError) as error:
            why = f"{type(error).__name__}: {error}"
    raise _Unobtainable(f"{url}: {why}")


def _say(line: str) -> None:
    print(line, flush=True)
