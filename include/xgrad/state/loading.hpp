#pragma once
/// How to save, what to load of a file, and what came of it.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <xgrad/core/print.hpp>

namespace xgrad::nn {

/// Linear layers whose features are images that were flattened, "fc1", and how many channels these had: PyTorch has the features in
/// the order channels, rows, columns. 1 where the features are no images.
using Flattened = std::map<std::string, std::size_t>;

struct SaveOptions {
  /// Whether the members of an npz file are deflated, which makes a file smaller and slower. Weights shrink by little.
  bool compress = false;
  /// Whether Variables are rounded to bfloat16, half of float's length, in a safetensors file. `load` with {.convert = true} reads
  /// them.
  bool bfloat16 = false;
  /// Texts in the header of a safetensors file, for people and other programs; load_metadata reads them.
  std::map<std::string, std::string> metadata = {};
  /// Whether the Variables, and nothing else, are written as PyTorch has them, so that load_state_dict takes them: the inverse of
  /// LoadOptions::from_torch. A path that ends in .pt or .pth then makes a file of torch.save.
  bool to_torch = false;
  /// With it, the linear layers behind convolutions, but for those that LoadOptions::flattened may leave out.
  Flattened flattened = {};
};

struct LoadOptions {
  /// The path under which the file has what is loaded, "backbone" for "backbone.conv1.weight". Without one it is the root if that
  /// fits as well as any, else the path under which the file has most of the names.
  std::optional<std::string> prefix = {};
  /// Whether all must fit. Otherwise what fits is loaded, and the report says what did not.
  bool strict = true;
  /// Whether numbers of other types are converted: floating ones of any precision (F64, F32, F16, BF16), and integers into floating
  /// numbers and into integers that can hold them. Without it a file must have the struct's own types.
  bool convert = false;
  /// Whether the file has the weights of a network of PyTorch, with the same names. Its convolutions, (out, in, kh, kw) there, get
  /// their channels last, and so do norms over images; how many batches a norm has seen is passed over. All else is the same in
  /// both. A linear layer behind a convolution may need an entry in `flattened`.
  bool from_torch = false;
  /// With it, the linear layers behind convolutions. Those may be left out that take as many features as the last convolution has
  /// channels, and those of a Sequential (or of `classifier`, behind `features`, as torchvision calls them) that follow its
  /// convolutions and take as many features as square images of the last one's channels have: these are taken for flattened images.
  Flattened flattened = {};
};

/// What a file, or a struct, has under a name: "F32" and (6, 5).
struct EntryType {
  std::string element;
  Shape shape;
};
/// A name that a file and a struct do not both have, or with other elements or another shape.
struct Misfit {
  std::string name;
  std::optional<EntryType> file = {}, memory = {};  ///< none where it has no such name
};

/// What `load` did.
struct LoadReport {
  std::string prefix;               ///< the path in the file, "" for its root
  std::vector<std::string> loaded;  ///< names in the struct
  std::vector<Misfit> missing;      ///< the struct has them, the file has not
  std::vector<Misfit> unexpected;   ///< the file has them under the prefix, the struct has not
  std::vector<Misfit> misshapen;    ///< both have them, with other elements or shapes
  Flattened flattened;              ///< linear layers that were taken for ones of flattened images, though none had named them

  /// Whether nothing was left.
  bool complete() const noexcept { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

/// A line with how many were loaded, then a table of what was not: its name, what the file has and what the struct has.
XGRAD_API std::string to_string(const LoadReport& report);

}  // namespace xgrad::nn

template <>
struct fmt::formatter<xgrad::nn::LoadReport> : xgrad::detail::TextFormatter {};
