// One rank, of one.
#include <xgrad/mpi/mpi.hpp>
#include <xgrad/xgrad.hpp>

struct Net {
  xgrad::nn::Linear<float> linear{2, 1};
};

int main(int argc, char** argv) {
  xgrad::mpi::World world(argc, argv);
  const Net net;
  world.broadcast(net);
  const auto sync = world.average_gradients(net);
  return world.size() == 1 && world.rank() == 0 ? 0 : 1;
}
