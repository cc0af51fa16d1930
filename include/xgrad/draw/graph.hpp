#pragma once
/// The graph behind a result, as a page to look around in and as a picture.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/graph/observer.hpp>
#include <xgrad/graph/variable.hpp>
#include <xgrad/profile/profile.hpp>

namespace xgrad::draw {

/// While one lives, it notes of every operation of the calling thread the range of its result and the norm of its gradient, for
/// `graph`. It looks at every number that is computed, and buffers are not reused meanwhile.
class XGRAD_API GraphNotes final : public Observer {
 public:
  struct Note {
    double low = 0, high = 0;  ///< of the finite elements; low is above high where there were none
    std::size_t odd = 0;       ///< how many elements were infinite or NaN
    double gradient = -1;      ///< the norm of the result's gradient; negative where backward has not come by
  };

  GraphNotes();
  ~GraphNotes() override;
  void see(const Event<float>& event) override;
  void see(const Event<double>& event) override;
  /// Nothing for an operation that it has not seen.
  const Note* find(const NodeBase& node) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

template <class T>
struct GraphOptions {
  std::string title = "The recorded graph";
  /// What leaves and constants are called. Paths such as "block1.conv.weight" make layers: an operation belongs to the layer whose
  /// parameters it uses; one that uses none stands beside the last such operation before it.
  std::vector<NamedVariable<T>> names = {};
  const Profile* profile = nullptr;   ///< that lived while the graph was recorded: for milliseconds
  const GraphNotes* notes = nullptr;  ///< … and notes: for the ranges of values that the graph has not kept
  bool gradients = true;              ///< go through the graph in reverse, once more, for norms that the notes do not have
  std::size_t open = 0;               ///< how many levels of layers are open at first
  std::size_t most = 5000;            ///< of a graph with more operations only the layers are drawn
};

/// Writes the graph that computed `y`. A path that ends in `.html` makes one page that needs nothing but itself, light or dark as
/// its reader's system is: layers open and close by a click; drag to move, turn the wheel to zoom, type to search; the pointer on
/// an operation shows its shape, options, the range of its values, the norm of its gradient, bytes, milliseconds and the line of
/// the program. A path that ends in `.svg` makes a picture of it for documents, with layers open down to `open`.
///
///     xg::draw::graph(loss, "graph.html", {.names = xg::nn::named_parameters(net)});
///
/// The graph stays as it was: no leaf's gradient is written, no hook is called, and `backward` may still run. Norms of gradients
/// are those of the sum of y's elements. Where gradients cannot be computed any more (backward has freed the graph, a weight has
/// changed since), the page says so and does without. Of a graph of more than `most` operations with no names there is a box for
/// each line of the program.
///
/// Throws ValueError for another ending, GraphError for an undefined Variable, FileError as WholeFile.
template <class T>
XGRAD_API void graph(const Variable<T>& y, const std::filesystem::path& path,
                     const std::type_identity_t<GraphOptions<T>>& options = {}, Where at = Where::current());
/// The page as a text.
template <class T>
XGRAD_API std::string graph_page(const Variable<T>& y, const std::type_identity_t<GraphOptions<T>>& options = {},
                                 Where at = Where::current());
/// The picture as an `<svg>` element, also for Page::charts.
template <class T>
XGRAD_API std::string graph_svg(const Variable<T>& y, const std::type_identity_t<GraphOptions<T>>& options = {},
                                Where at = Where::current());

}  // namespace xgrad::draw
