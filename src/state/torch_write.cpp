#include <fmt/format.h>
#include <array>
#include <cstdint>
#include <string>

#include <xgrad/core/file.hpp>
#include <xgrad/state/loading.hpp>

#include "convert.hpp"
#include "pickle.hpp"
#include "zip.hpp"

// A state dict as torch.save writes it. Of the instructions of a pickle (protocol 2) it takes thirteen, without memory:
//     OrderedDict(), then MARK, a name and a tensor for each entry, SETITEMS, STOP
namespace xgrad::nn {
namespace {

template <class U>
void put(std::string& to, U value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_text(std::string& to, std::string_view text) {
  to += 'X';  // BINUNICODE
  put(to, static_cast<std::uint32_t>(text.size()));
  to += text;
}
void put_number(std::string& to, std::uint64_t value) {
  if (value < std::uint64_t{1} << 31U) {
    to += 'J';  // BININT
    put(to, static_cast<std::uint32_t>(value));
  } else {
    to += "\x8a\x08";  // LONG1 of 8 bytes
    put(to, value);
  }
}
/// A class or function, "collections.OrderedDict".
void put_name(std::string& to, std::string_view name) {
  const std::size_t dot = name.rfind('.');
  to += fmt::format("c{}\n{}\n", name.substr(0, dot), name.substr(dot + 1));  // GLOBAL
}
void put_ordered_dict(std::string& to) {
  put_name(to, "collections.OrderedDict");
  to += ")R";  // EMPTY_TUPLE REDUCE
}

/// A tensor that has a storage of its own, number k.
void put_tensor(std::string& to, std::string_view element, const Shape& shape, std::size_t k) {
  put_name(to, "torch._utils._rebuild_tensor_v2");
  to += "((";  // its arguments; the first is the storage
  put_text(to, "storage");
  put_name(to, storage_of(element));
  put_text(to, std::to_string(k));
  put_text(to, "cpu");
  put_number(to, size_of(shape));
  to += "tQ";         // TUPLE BINPERSID
  put_number(to, 0);  // where in the storage
  to += '(';
  for (const std::size_t length : shape) put_number(to, length);
  to += "t(";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::size_t stride = 1;
    for (std::size_t inner = axis + 1; inner < shape.size(); ++inner) stride *= shape[inner];
    put_number(to, stride);
  }
  to += "t\x89";  // NEWFALSE: it needs no gradient
  put_ordered_dict(to);
  to += "tR";
}

}  // namespace

void save_torch(std::span<const StateEntry> state, const SaveOptions& options, const Task& task) {
  if (options.compress)
    throw ValueError(task.where, task.op, "compress is true; it must be false in a file for torch.load, which is never compressed");
  if (!options.metadata.empty())
    throw ValueError(task.where, task.op,
                     "metadata has texts; it must be empty for a file for torch.load, which has no place for them");
  const auto element = [&](const StateEntry& entry) {
    return options.bfloat16 ? std::string_view("BF16") : name_of(entry.element);
  };
  std::string pickle = "\x80\x02";  // PROTO
  put_ordered_dict(pickle);
  pickle += '(';
  for (std::size_t k = 0; k < state.size(); ++k) {
    put_text(pickle, state[k].name);
    put_tensor(pickle, element(state[k]), state[k].shape, k);
  }
  pickle += "u.";  // SETITEMS STOP

  WholeFile file(task.path, task.op, task.where);
  ZipWriter writer(file, false, task);
  const auto add = [&](const std::string& name, std::string_view bytes) {
    const std::array<std::string_view, 1> pieces{bytes};
    writer.add("archive/" + name, pieces);
  };
  add("data.pkl", pickle);
  for (std::size_t k = 0; k < state.size(); ++k) {
    const StateEntry& entry = state[k];
    const std::string name = "data/" + std::to_string(k);
    if (options.bfloat16) {
      const std::size_t count = size_of(entry.shape);
      Array<std::uint16_t> rounded = make_array<std::uint16_t>({count}, task.where);
      to_bfloat16(entry.element, entry.data(), count, rounded.data());
      add(name, {reinterpret_cast<const char*>(rounded.data()), 2 * count});
    } else {
      add(name, {static_cast<const char*>(entry.data()), entry.bytes()});
    }
  }
  add("version", "3\n");
  writer.finish();
  file.commit();
}

}  // namespace xgrad::nn
