#!/usr/bin/env bash
# start.sh ROOT: a private Slurm cluster of two nodes, n1 and n2, on this machine.
#
# Everything it writes is under ROOT, it listens on this machine only and runs as the caller, root or not.
# Put ROOT/bin on PATH to use it; stop.sh ROOT ends it.
set -euo pipefail
export PATH=$PATH:/usr/sbin:/sbin # where Debian keeps the daemons
root=$(realpath "$1")
me=$(id -un)
host=$(hostname -s)
mkdir -p "$root"/{etc,run,state,log,spool/n1,spool/n2,bin}
chmod 700 "$root/etc" # munge refuses a key that others could read

# Starts a daemon in its own session, so that a Ctrl-C meant for the tests does not reach it, and notes its process id.
daemon() {
    local name=$1
    shift
    setsid "$@" >"$root/log/$name.out" 2>&1 </dev/null &
    echo $! >"$root/run/$name.pid"
}

wait_for() {
    local what=$1 end=$((SECONDS + 60))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS > end)); then
            echo "no $what within 60 s; the last lines of the logs:" >&2
            tail -n 5 "$root"/log/* >&2
            exit 1
        fi
        sleep 0.1
    done
}

both_idle() { [ "$(timeout 10 sinfo --noheader --Node --states=idle --format=%N | sort -u | wc -l)" -eq 2 ]; }

# Three ports that nothing listens on: the controller's, and one for each node.
read -r controller_port n1_port n2_port < <(python3 - <<'PYTHON'
import socket

sockets = [socket.socket() for _ in range(3)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
)

(umask 077 && head -c 1024 /dev/urandom >"$root/etc/munge.key")
# --force: munge warns about a folder such as /tmp that others may write to, and stops without it.
daemon munged munged --foreground --force --key-file="$root/etc/munge.key" --socket="$root/run/munge.sock" \
    --pid-file="$root/run/munged.own.pid" --log-file="$root/log/munged.log" --seed-file="$root/run/munged.seed"
wait_for munge munge --no-input --socket="$root/run/munge.sock"

# Why some lines are there:
#   MinJobAge            squeue goes on showing ended jobs, their node and state: the tests read them there
#   proctrack/pgid       needs no cgroup, and leaves no process behind on a node that is set down
#   config_overrides     the nodes share this machine, so each pretends to have what is written here
#   ReturnToService      a node that is set down stays down until it is resumed
#   KillWait, *Timeout, sched_interval, bf_interval, batch_sched_delay: short waits
cat >"$root/etc/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$controller_port
SlurmUser=$me
SlurmdUser=$me
AuthType=auth/munge
AuthInfo=socket=$root/run/munge.sock
CredType=cred/munge
StateSaveLocation=$root/state
SlurmctldPidFile=$root/run/slurmctld.own.pid
SlurmctldLogFile=$root/log/slurmctld.log
SlurmdSpoolDir=$root/spool/%n
SlurmdPidFile=$root/run/slurmd-%n.own.pid
SlurmdLogFile=$root/log/slurmd-%n.log
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
MinJobAge=3600
ReturnToService=0
KillWait=5
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout=30
EnforcePartLimits=ALL
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$n1_port CPUs=1 RealMemory=8000
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$n2_port CPUs=1 RealMemory=8000
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=60 State=UP
CONF
export SLURM_CONF=$root/etc/slurm.conf

# The plugin clears SLURM_CONF before it calls srun inside a job, so every client has to bring it along.
for client in sacct sacctmgr sbatch scancel scontrol sinfo squeue srun sshare; do
    printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$(command -v "$client")" >"$root/bin/$client"
    chmod 755 "$root/bin/$client"
done

daemon slurmctld slurmctld -D -f "$SLURM_CONF"
daemon slurmd-n1 slurmd -D -N n1 -f "$SLURM_CONF"
daemon slurmd-n2 slurmd -D -N n2 -f "$SLURM_CONF"
wait_for "two idle nodes" both_idle
