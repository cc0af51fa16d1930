#!/bin/bash
# A run on 4 machines under Slurm, one rank on each socket.   sbatch examples/cluster/slurm.sh build/examples/mpi FOLDER EPOCHS run.safetensors
#SBATCH --job-name=xgrad
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --time=04:00:00
#SBATCH --requeue
# Slurm starts the ranks by PMIx (Open MPI 4), or by PMI-2 (MPICH: XGRAD_PMI=pmi2), which was not tried. It gives each its processors,
# and a rank takes as many threads as it has got. A rank that fails ends the job; one that is put back into the queue goes on with the
# checkpoint.
set -eu
export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-16}
exec srun --kill-on-bad-exit=1 --mpi="${XGRAD_PMI:-pmix}" --cpu-bind=cores "$@"
