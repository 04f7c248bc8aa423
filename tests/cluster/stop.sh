#!/usr/bin/env bash
# stop.sh ROOT: cancels the jobs of the cluster that start.sh ROOT started and ends its daemons.
set -uo pipefail # no -e: what can be ended is ended, whatever else fails
root=$(realpath "$1")

# The jobs first: their processes would outlive the nodes' daemons.
if [ -x "$root/bin/scancel" ]; then
    timeout 10 "$root/bin/scancel" --user="$(id -un)" 2>/dev/null
    for _ in {1..100}; do
        [ -n "$(timeout 10 "$root/bin/squeue" --noheader 2>/dev/null)" ] || break
        sleep 0.1
    done
fi

pids=()
for file in "$root"/run/{slurmd-n1,slurmd-n2,slurmctld,munged}.pid; do
    [ -f "$file" ] && pids+=("$(cat "$file")")
done
kill -TERM "${pids[@]}" 2>/dev/null
for _ in {1..100}; do
    kill -0 "${pids[@]}" 2>/dev/null || break
    sleep 0.1
done
kill -KILL "${pids[@]}" 2>/dev/null
exit 0
