#!/usr/bin/env bash
# run.sh [PYTEST ARGUMENT]...: pytest on this folder, beside a private Slurm cluster that lives as long as the tests.
#
# CEVNSI_FAULTS names a table that the tests append to, tab separated: fault, what happened, outcome.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
export PATH=$PATH:/usr/sbin:/sbin # where Debian keeps the daemons

missing=()
for program in munged slurmctld slurmd srun; do
    command -v "$program" >/dev/null || missing+=("$program")
done
if ((${#missing[@]})); then
    echo "not installed: ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        echo "install Slurm and munge first (Debian, Ubuntu: apt-get install slurm-wlm munge)" >&2
        exit 1
    elif [ "$(id -u)" -ne 0 ]; then
        echo "run as root once, or first: sudo apt-get install --no-install-recommends slurm-wlm munge" >&2
        exit 1
    fi
    echo "installing the packages slurm-wlm and munge"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends slurm-wlm munge >/dev/null
fi

root=$(mktemp -d "${TMPDIR:-/tmp}/cevnsi-slurm.XXXXXX")
export CEVNSI_FAULTS=${CEVNSI_FAULTS:-$root/faults.tsv}
tests=

finish() {
    local status=$?
    trap '' INT TERM # let it finish
    if [ -n "$tests" ] && kill -INT -- "-$tests" 2>/dev/null; then # interrupted: pytest and what it started
        for _ in {1..100}; do
            kill -0 -- "-$tests" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$tests" 2>/dev/null || true
    fi
    if [ -s "$CEVNSI_FAULTS" ]; then
        echo "faults:"
        cat "$CEVNSI_FAULTS"
    fi
    "$here/stop.sh" "$root"
    case $status in
    0 | 130 | 143) rm -rf "$root" ;;
    *) echo "failed: logs of the cluster are in $root/log, the runs of the workflow in $root/runs" ;;
    esac
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$here/start.sh" "$root"
# In the background and in a process group of its own: a signal to this script is then seen at once, and passed on above.
set -m
CEVNSI_SLURM=1 PATH=$root/bin:$PATH "$repository/.venv/bin/python" -m pytest -v --basetemp "$root/runs" \
    "$@" "$here" &
tests=$!
set +m
wait "$tests"
