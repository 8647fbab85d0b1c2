#!/usr/bin/env bash
# Makes the environment that everything else runs in; `make` calls it before each target.
#
#   workflow/setup.sh            .venv from the hashed locks, with the package installed editable
#   workflow/setup.sh system     parts of the system that `make test` uses: Chromium and its driver, Fashion-MNIST
#   workflow/setup.sh lock       writes the locks anew from pyproject.toml, keeping versions that still fit
#
# PYTHON=… picks the interpreter (3.11 or 3.12); APT=no keeps root from installing system packages.
# Each step leaves its stamp last, so an interrupted one is redone and a finished one costs nothing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
bootstrap=$root/.venv-uv
log=$root/build/logs/setup.log
need_mb=4000   # environment, plus the installer's cache where that lies on the same disk

say() { printf 'set-up: %s\n' "$@" >&2; }
die() {
    say "$@"
    exit 1
}
is_root() { [ "$(id -u)" = 0 ]; }
in_ci() { [ -n "${CI:-}" ] && [ "${CI:-}" != false ]; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- stamps -------------------------------------------------------------------------------------

digest() { if have sha256sum; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -c1-64 | tr -d '\n'; }
# The folder is part of the key: an environment holds absolute paths and cannot be moved.
key() { printf '%s %s\n' "${root// /_}" "$(digest "$@")"; }
fresh() { [ -x "$venv/bin/python" ] && [ -f "$venv/.done-$1" ] && [ "$(<"$venv/.done-$1")" = "$2" ]; }
stamp() { printf '%s\n' "$2" >"$venv/.done-$1.tmp" && mv "$venv/.done-$1.tmp" "$venv/.done-$1"; }

# --- the Python to use --------------------------------------------------------------------------

# Prints version and real path; fails unless it runs at all (a shim on PATH may not) and is 3.11 or 3.12.
probe() {
    "$1" -c 'import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 12) or sys.maxsize < 2**32: sys.exit(1)
print("%d.%d.%d" % sys.version_info[:3], sys.executable)' 2>/dev/null </dev/null
}

find_python() {
    local name
    if [ -n "${PYTHON:-}" ]; then
        probe "$PYTHON" && return
        die "PYTHON=$PYTHON is not a 64-bit Python 3.11 or 3.12 that runs." \
            "Name another one, or leave PYTHON unset to have one looked for."
    fi
    for name in python3.12 python3.11 python3; do
        probe "$name" && return
    done
    die "No 64-bit Python 3.11 or 3.12 runs under the names python3.12, python3.11 or python3." \
        "Install one (Debian, Ubuntu: apt install python3 python3-venv python3-dev; or from python.org, pyenv, conda)," \
        "or name it: make book PYTHON=/path/to/python3.12"
}

# An environment made by another version than the one asked for is not fresh.
same_python() {
    [ -z "${PYTHON:-}" ] && return
    local found asked
    asked=$(find_python) || exit 1
    found=$(probe "$venv/bin/python") || return 1
    [ "${found%% *}" = "${asked%% *}" ]
}

# --- running the installers ---------------------------------------------------------------------

# What a failed installer's words mean, as one of: disk, hash, certificate, network, platform, other.
cause() {
    if grep -qiE 'no space left|disk quota' "$1"; then echo disk
    elif grep -qiE 'hash mismatch|do not match the hashes' "$1"; then echo hash
    elif grep -qiE 'certificate' "$1"; then echo certificate
    elif grep -qiE 'retrying|from versions: none|error sending request|failed to fetch|dns error|name resolution|timed? ?out|connection (refused|reset)|unreachable|could not connect|temporary failure|50[0-9] (server|bad|service|gateway)|failed to download' "$1"; then echo network
    elif grep -qiE 'no solution found|no matching distribution|no (usable )?wheel|matching platform' "$1"; then echo platform
    else echo other; fi
}

# run WHAT COMMAND…: its output goes to the log; three tries where the network is at fault.
run() {
    local what=$1 try out why
    shift
    mkdir -p "$(dirname "$log")"
    out=$log.step
    for try in 1 2 3; do
        if "$@" >"$out" 2>&1 </dev/null; then
            cat "$out" >>"$log"
            rm -f "$out"
            return
        fi
        cat "$out" >>"$log" || true
        why=$(cause "$out")
        [ "$why" = network ] && [ "$try" -lt 3 ] || break
        say "$what failed (network); next try in $((try * 5)) s"
        sleep $((try * 5))
    done
    tail -n 15 "$out" | sed 's/^/    | /' >&2
    rm -f "$out"
    case $why in
        disk) die "$what failed: the disk is full." "About $need_mb MB are needed below $root; free some and run again." ;;
        hash) die "$what failed: a file differs from the one the lock names, so it was not installed." \
            "Clear the installer's cache (rm -rf ~/.cache/uv) and run again; if it stays, the index serves altered files." ;;
        network) die "$what failed: the package index cannot be reached." \
            "Check the network and proxy (HTTPS_PROXY), or name a mirror (PIP_INDEX_URL and UV_DEFAULT_INDEX); then run again." ;;
        certificate) die "$what failed: the package index shows a certificate that is not trusted here." \
            "Behind a proxy with certificates of its own: SSL_CERT_FILE=/path/to/certificates.pem make book" ;;
        platform) die "$what failed: there is no build of a package for this machine (Linux x86-64 or arm64, or macOS arm64, are needed)." ;;
        *) die "$what failed; the words above are the end of it, all of it is in build/logs/setup.log." ;;
    esac
}

# Installs Debian packages where we may; otherwise says nothing and fails.
apt_install() {
    [ "${APT:-yes}" != no ] && is_root && have apt-get && grep -qs '^ID=debian' /etc/os-release || return 1
    say "installing $* from the system's packages"
    local options=(-q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    [ -n "${apt_updated:-}" ] || run "apt-get update" apt-get "${options[@]}" update
    apt_updated=yes
    DEBIAN_FRONTEND=noninteractive run "apt-get install $*" apt-get "${options[@]}" install --no-install-recommends "$@"
}

# --- the steps ----------------------------------------------------------------------------------

check_disk() {
    local free
    free=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge "$need_mb" ] || die "The disk of $root has $free MB free; the environment needs $need_mb." "Free some and run again."
}

# uv, from the package index, into a folder of its own.
get_uv() {
    local python=$1 wanted
    wanted=$(key requirements-bootstrap.lock)
    if [ -x "$bootstrap/bin/uv" ] && [ "$(cat "$bootstrap/.done" 2>/dev/null)" = "$wanted" ]; then
        configure_uv "$python"
        return
    fi
    rm -rf "$bootstrap"
    local pip=("$bootstrap/bin/python" -m pip)
    if "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv; then
        run "Making the installer's environment" "$python" -m venv "$bootstrap"
        run "Getting uv" "${pip[@]}" install --disable-pip-version-check --no-input --only-binary :all: \
            --require-hashes -r requirements-bootstrap.lock
    elif "$python" -m pip --version >/dev/null 2>&1; then
        run "Getting uv" "$python" -m pip install --disable-pip-version-check --no-input --only-binary :all: \
            --require-hashes --target "$bootstrap" -r requirements-bootstrap.lock
    else
        die "$python has neither venv (ensurepip) nor pip." "Install one of them (Debian, Ubuntu: apt install python3-venv) and run again."
    fi
    printf '%s\n' "$wanted" >"$bootstrap/.done"
    configure_uv "$python"
}
# uv does not read pip's configuration: hand it the index and the certificates that pip uses.
configure_uv() {
    local settings value
    settings=$("$bootstrap/bin/python" -m pip config list 2>/dev/null || "$1" -m pip config list 2>/dev/null) || true
    pip_setting() { sed -n "s/^[^=]*\\.$1='\\(.*\\)'\$/\\1/p" <<<"$settings" | tail -n 1; }
    value=$(pip_setting index-url)
    [ -z "$value" ] || [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX=$value
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] || export UV_SYSTEM_CERTS=true
    value=$(pip_setting cert)
    [ -z "$value" ] || [ -n "${SSL_CERT_FILE:-}" ] || export SSL_CERT_FILE=$value
}
uv() { env -u UV_SYSTEM_PYTHON -u UV_PYTHON -u PIP_REQUIRE_VIRTUALENV "$bootstrap/bin/uv" --quiet "$@"; }

# A complete environment whose lock has changed is brought up to date in place, so that what runs in it
# goes on; an unfinished one is made anew; one that is not ours is put aside.
install_lock() {
    local found python
    if [ -f "$venv/.done-lock" ] && [ "$(cut -d' ' -f1 "$venv/.done-lock")" = "${1%% *}" ] && runs; then
        say "bringing .venv up to date with requirements.lock"
    else
        found=$(find_python) || exit 1
        python=${found#* }
        say "making .venv with Python ${found%% *} ($python); this happens once and takes one to two minutes"
        check_disk
        if [ -e "$venv/.making" ]; then
            rm -rf "$venv"
        elif [ -e "$venv" ]; then
            say "the present .venv was not made here; it is kept as .venv-before"
            rm -rf "$venv-before" && mv "$venv" "$venv-before"
        fi
        mkdir "$venv" && touch "$venv/.making"
        get_uv "$python"
        run "Making .venv" uv venv --allow-existing --no-project --no-python-downloads --prompt mlsci --python "$python" "$venv"
    fi
    get_uv "$venv/bin/python"
    rm -f "$venv"/.done-*
    # Byte code is written here once: otherwise the first start of every tool pays for it,
    # and every start where PYTHONDONTWRITEBYTECODE is set.
    run "Installing the packages of requirements.lock" \
        uv pip sync --python "$venv/bin/python" --no-build --compile-bytecode --require-hashes requirements.lock
    stamp lock "$1"
}
# The environment's Python still runs and is the one asked for.
runs() { [ -x "$venv/bin/python" ] && same_python; }

install_package() {
    get_uv "$venv/bin/python"
    run "Installing mlsci itself" uv pip install --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
    stamp package "$1"
}

# True where C extensions of the environment's Python can be compiled.
compiles() {
    local dir code=0
    dir=$(mktemp -d)
    printf '#include <Python.h>\n#include <math.h>\nint main(void) { return 0; }\n' >"$dir/a.c"
    "${CC:-cc}" "-I$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" \
        -c "$dir/a.c" -o "$dir/a.o" >/dev/null 2>&1 || code=1
    rm -rf "$dir"
    return "$code"
}

# pmesh and mpsort, against the environment's own MPI. Only the lensing simulator needs them, so
# where they cannot be built the rest goes on; not in CI.
install_source() {
    if ! compiles && ! { apt_install gcc libc6-dev python3-dev && compiles; }; then
        leave_out "There is no C compiler with Python's header files." \
            "Debian, Ubuntu: apt install gcc libc6-dev python3-dev; then run again."
    elif [[ $root == *[[:space:]]* ]]; then
        leave_out "MPI's compiler cannot work below a folder with a blank in its name." "Move the project: $root"
    elif (build_source); then
        stamp source "$1"
    else
        leave_out "They could not be built; see above."
    fi
}
leave_out() {
    say "$1" "pmesh and mpsort, which only the lensing simulator needs, are left out." "${@:2}"
    ! in_ci
}
# No cache: it may hold an mpsort linked to another MPI.
build_source() {
    local cc=${CC:-cc}
    get_uv "$venv/bin/python"
    printf '[build_ext]\nparallel = 2\n' >"$venv/.build.cfg"
    say "building pmesh and mpsort (half a minute)"
    run "Building pmesh and mpsort" \
        env PATH="$venv/bin:$PATH" CC="$cc" MPICH_CC="$cc" MPICC="$venv/bin/mpicc" DIST_EXTRA_CONFIG="$venv/.build.cfg" \
        "$bootstrap/bin/uv" --quiet pip install --python "$venv/bin/python" --no-cache --no-deps --no-build-isolation \
        --compile-bytecode --reinstall --require-hashes -r requirements-source.lock
    run "Starting mpsort" "$venv/bin/python" -c 'import mpsort, mpi4py.MPI'
}

environment() {
    local lock package source
    lock=$(key requirements.lock)
    package=$(key pyproject.toml)
    source=$(key requirements-source.lock)
    current() { fresh lock "$lock" && same_python; }
    current && fresh package "$package" && fresh source "$source" && return
    if have flock; then   # of two at once, the second waits and finds the work done
        exec 9>"$root/.venv-lock"
        flock -n 9 || { say "another set-up is at work here; waiting for it"; flock 9; }
    fi
    local begin=$SECONDS
    current || install_lock "$lock"
    fresh package "$package" || install_package "$package"
    fresh source "$source" || install_source "$source"
    exec 9>&- || true
    [ $((SECONDS - begin)) -lt 3 ] || say "ready after $((SECONDS - begin)) s"
}

system() {
    local missing=()
    have chromium && have chromedriver || missing+=(chromium chromium-driver fonts-liberation)
    [ -e /usr/share/datasets/fashion-mnist ] || missing+=(dataset-fashion-mnist)
    [ ${#missing[@]} = 0 ] && return
    apt_install "${missing[@]}" && return
    say "Missing on this machine: ${missing[*]} (Debian's names). Tests that use them will be skipped."
    say "To have them: sudo apt install ${missing[*]}; elsewhere Chromium with chromedriver, and \`make data\`."
    ! in_ci
}

lock() {
    local compile=(pip compile --no-header --generate-hashes --universal --python-version 3.11)
    get_uv "$(find_python | cut -d' ' -f2-)"
    run "Locking" uv "${compile[@]}" --all-extras -o requirements.lock pyproject.toml
    run "Locking" uv "${compile[@]}" --group source --no-deps -o requirements-source.lock
    run "Locking" uv "${compile[@]}" --group bootstrap -o requirements-bootstrap.lock
}

main() {
    cd "$root"
    unset PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX
    case ${1:-environment} in
        environment | system | lock) "${1:-environment}" ;;
        *) die "unknown argument: $1" ;;
    esac
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
