// The pickle in a file of torch.save, whose checksum is always right. There are two storages, of 24 and 16 bytes.
#include <zlib.h>

#include "fuzz.hpp"

namespace {

struct Net {
  xgrad::Array<float> w{{1, 2, 3}, {4, 5, 6}};
  xgrad::Array<std::int64_t> n{7, 8};
  std::vector<double> numbers{1, 2};
  std::string text = "a";
};

template <class U>
void put(std::string& out, U value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// An archive of stored members.
std::string zip(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string file, list;
  for (const auto& [name, bytes] : members) {
    const auto crc =
        static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<unsigned>(bytes.size())));
    const auto length = static_cast<std::uint32_t>(bytes.size()), begin = static_cast<std::uint32_t>(file.size());
    std::string common;
    for (const int value : {20, 0, 0, 0, 0}) put(common, static_cast<std::uint16_t>(value));
    put(common, crc);
    put(common, length);
    put(common, length);
    put(common, static_cast<std::uint32_t>(name.size()));
    file += "PK\3\4" + common + name + bytes;
    list += "PK\1\2" + std::string(2, '\0') + common + std::string(10, '\0');
    put(list, begin);
    list += name;
  }
  const auto begin = static_cast<std::uint32_t>(file.size());
  file += list + "PK\5\6" + std::string(4, '\0');
  put(file, static_cast<std::uint16_t>(members.size()));
  put(file, static_cast<std::uint16_t>(members.size()));
  put(file, static_cast<std::uint32_t>(list.size()));
  put(file, begin);
  put(file, std::uint16_t{0});
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string bytes = zip({{"a/data.pkl", {reinterpret_cast<const char*>(data + 1), size - 1}},
                                 {"a/data/0", std::string(24, 'x')},
                                 {"a/data/1", std::string(16, 'y')}});
  const fuzz::File file({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  Net net;
  const bool flag = (data[0] & 1) != 0;
  const bool loaded = fuzz::reads([&] { xgrad::nn::load(net, file.path(), {.strict = !flag, .convert = flag}); });
  if (!loaded && (net.w(1, 2) != 6 || net.n(1) != 8 || net.numbers.size() != 2 || net.text != "a")) {
    std::fprintf(stderr, "a file that was refused changed the state\n");
    std::abort();
  }
  return 0;
}
