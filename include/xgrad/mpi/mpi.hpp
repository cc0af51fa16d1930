#pragma once
/// Training on many machines. A library of its own, xgrad-mpi, and not part of xgrad.hpp; it needs no header of MPI.
#include <xgrad/mpi/norm.hpp>
#include <xgrad/mpi/transport.hpp>
#include <xgrad/mpi/world.hpp>
