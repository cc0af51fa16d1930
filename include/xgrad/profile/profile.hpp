#pragma once
/// Where a program's time and memory go.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/print.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/graph/observer.hpp>
#include <xgrad/state/state.hpp>

namespace xgrad {

/// What operations of one name, layer or line took together.
struct ProfileRow {
  std::string name;
  std::size_t calls = 0, gradients = 0;  ///< how often one has run forward, and in backward
  double forward = 0, backward = 0;      ///< seconds
  std::size_t bytes = 0;                 ///< of all results and gradients that were made
};

/// While one lives, it measures what the calling thread computes: time and bytes by operation, by layer and by line of the program.
///
///     xg::Profile profile(net);                    // or without a network: then layers have no names
///     for (int k = 0; k < 20; ++k) step(net);
///     fmt::print("{}\n", profile);
///     profile.write_trace("trace.json");           // for chrome://tracing or https://ui.perfetto.dev
///
/// The time of an operation is that of its kernel; in backward it is from the moment its result's gradient is complete until those
/// of its inputs are there, with the operations that these are made of. What is left of the time since the beginning is the
/// program's own, such as reading data and the optimiser's step. An operation belongs to the layer one of whose parameters it uses,
/// else its own name stands for it. It costs nothing when there is none; while there is one, buffers are not reused, so that a step
/// needs a little more time and memory than it would else.
class XGRAD_API Profile final : public Observer {
 public:
  Profile();
  /// Knows the layers of a network by its parameters.
  template <class Net>
  explicit Profile(const Net& net) : Profile() {
    for (const auto& [name, variable] : nn::named_parameters(net)) know(name, variable);
  }
  ~Profile() override;

  void begin() noexcept override;
  void see(const Event<float>& event) override;
  void see(const Event<double>& event) override;

  /// Rows with the most time first.
  std::vector<ProfileRow> by_op() const;
  std::vector<ProfileRow> by_layer() const;
  std::vector<ProfileRow> by_line() const;
  /// One recorded operation, which must live still. Of one that it has not seen all numbers are 0.
  ProfileRow of(const NodeBase& node) const;
  /// Since the beginning, in seconds.
  double seconds() const;
  /// Forgets what was measured and begins anew.
  void clear();

  /// Every operation and gradient as an event in the JSON of Chrome's traces, the first million of them.
  std::string trace() const;
  /// Throws FileError as WholeFile.
  void write_trace(const std::filesystem::path& path, Where at = Where::current()) const;

 private:
  void know(const std::string& name, const Variable<float>& parameter);
  void know(const std::string& name, const Variable<double>& parameter);
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Three tables: operations, layers and lines.
XGRAD_API std::string to_string(const Profile& profile);

}  // namespace xgrad

template <>
struct fmt::formatter<xgrad::Profile> : xgrad::detail::TextFormatter {};
