#include "pickle.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_map>

#include <xgrad/core/text.hpp>

#include "../core/utf8.hpp"

namespace xgrad::nn {
namespace {

struct StorageName {
  std::string_view name, element;
};
constexpr std::array<StorageName, 10> storages{{{"torch.FloatStorage", "F32"},
                                                {"torch.DoubleStorage", "F64"},
                                                {"torch.HalfStorage", "F16"},
                                                {"torch.BFloat16Storage", "BF16"},
                                                {"torch.LongStorage", "I64"},
                                                {"torch.IntStorage", "I32"},
                                                {"torch.ShortStorage", "I16"},
                                                {"torch.CharStorage", "I8"},
                                                {"torch.ByteStorage", "U8"},
                                                {"torch.BoolStorage", "BOOL"}}};
constexpr std::string_view ordered_dict = "collections.OrderedDict", tensor = "torch._utils._rebuild_tensor_v2",
                           parameter = "torch._utils._rebuild_parameter";

class Machine {
 public:
  Machine(std::string_view bytes, PickleMemory& memory) : bytes_(bytes), memory_(memory) {}

  PickledRef run() {
    while (!step()) {
    }
    if (at_ != bytes_.size()) fail(fmt::format("{} bytes are here; the pickle must end here", bytes_.size() - at_));
    if (stack_.size() != 1 || !marks_.empty()) fail("the pickle leaves more or less than one value; it must leave one");
    return stack_[0];
  }

 private:
  /// Obeys one instruction. Whether it was the last.
  bool step() {
    begin_ = at_;
    const char code = take(1)[0];
    switch (code) {
      case '\x80': {  // PROTO
        const int version = static_cast<unsigned char>(take(1)[0]);
        if (version < 2 || version > 5) fail(fmt::format("the pickle has protocol {}; it must be 2 to 5", version));
        break;
      }
      case '\x95':
        number<std::uint64_t>();
        break;  // FRAME: how far to read ahead
      case '.':
        return true;
      case '(':
        marks_.push_back(stack_.size());
        break;
      case 'N':
        push(std::monostate());
        break;
      case '\x88':
        push(true);
        break;
      case '\x89':
        push(false);
        break;
      case 'J':
        push(std::int64_t{number<std::int32_t>()});
        break;
      case 'K':
        push(std::int64_t{number<std::uint8_t>()});
        break;
      case 'M':
        push(std::int64_t{number<std::uint16_t>()});
        break;
      case '\x8a':
        push(long_number());
        break;
      case 'G':
        push(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())));
        break;
      case 'X':
        push(text(number<std::uint32_t>()));
        break;
      case '\x8c':
        push(text(number<std::uint8_t>()));
        break;
      case '\x8d':
        push(text(number<std::uint64_t>()));
        break;
      case '}':
        push(PickledDict());
        break;
      case ']':
        push(PickledList());
        break;
      case ')':
        push(PickledList{{}, true});
        break;
      case '\x85':
        push(PickledList{pop(1), true});
        break;
      case '\x86':
        push(PickledList{pop(2), true});
        break;
      case '\x87':
        push(PickledList{pop(3), true});
        break;
      case 't':
        push(PickledList{pop_mark(), true});
        break;
      case 'a':
        append(pop(1));
        break;
      case 'e':
        append(pop_mark());
        break;
      case 's':
        set(pop(2));
        break;
      case 'u':
        set(pop_mark());
        break;
      case 'q':
        memo_[number<std::uint8_t>()] = top();
        break;
      case 'r':
        memo_[number<std::uint32_t>()] = top();
        break;
      case '\x94':
        memo_[memo_.size()] = top();
        break;
      case 'h':
        recall(number<std::uint8_t>());
        break;
      case 'j':
        recall(number<std::uint32_t>());
        break;
      case 'c': {
        const std::string from = line();
        global(from + "." + line());
        break;
      }
      case '\x93': {
        const auto names = pop(2);
        const auto &from = get<std::string>(names[0], "text"), &name = get<std::string>(names[1], "text");
        global(from + "." + name);
        break;
      }
      case 'Q':
        storage(pop(1)[0]);
        break;
      case 'R': {
        const auto call = pop(2);
        reduce(get<PickledGlobal>(call[0], "a name").name, get<PickledList>(call[1], "a tuple").items);
        break;
      }
      case 'b': {  // an OrderedDict's attributes, of which a state dict has _metadata
        pop(1);
        get<PickledDict>(top(), "a dict");
        break;
      }
      default:
        fail(
            fmt::format("the instruction 0x{:02x} is here; it must be one of those that a state dict needs: nothing else is "
                        "understood, and nothing is run",
                        static_cast<unsigned char>(code)));
    }
    return false;
  }

  // What is read.
  std::string_view take(std::uint64_t count) {
    if (bytes_.size() - at_ < count)
      fail_at(at_, fmt::format("the pickle ends in {} bytes; {} must be here", bytes_.size() - at_, count));
    const std::string_view result = bytes_.substr(at_, count);
    at_ += count;
    return result;
  }
  template <class U>
  U number() {
    U value = 0;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::int64_t long_number() {
    const std::size_t count = number<std::uint8_t>();
    if (count > 8) fail(fmt::format("a whole number of {} bytes is here; it must have at most 8", count));
    const std::string_view digits = take(count);
    std::uint64_t value = count > 0 && (digits.back() & '\x80') != 0 ? ~std::uint64_t{0} : 0;  // two's complement
    std::memcpy(&value, digits.data(), count);
    return static_cast<std::int64_t>(value);
  }
  std::string text(std::uint64_t count) { return std::string(take(count)); }
  std::string line() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) fail("a name begins here; the end of its line must be behind it");
    std::string result(take(end - at_));
    ++at_;
    return result;
  }

  // The stack.
  template <class V>
  void push(V value) {
    if (memory_.size() >= 4'000'000) fail("the pickle makes more than 4 million values; it must make fewer");
    stack_.push_back(memory_.add({std::move(value)}));
  }
  const PickledRef& top() {
    if (stack_.size() <= floor()) fail("the stack is empty; it must have a value here");
    return stack_.back();
  }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  std::vector<PickledRef> pop(std::size_t count) {
    if (stack_.size() - floor() < count)
      fail(fmt::format("the stack has {} values; it must have {} here", stack_.size() - floor(), count));
    const auto from = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<PickledRef> result(from, stack_.end());
    stack_.erase(from, stack_.end());
    return result;
  }
  std::vector<PickledRef> pop_mark() {
    if (marks_.empty()) fail("no mark is on the stack; one must be");
    auto result = pop(stack_.size() - marks_.back());
    marks_.pop_back();
    return result;
  }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail(fmt::format("value {} is recalled; it must have been kept before", key));
    stack_.push_back(found->second);
  }
  template <class V>
  V& get(const PickledRef& ref, std::string_view what) const {
    V* value = std::get_if<V>(&ref->value);
    if (!value) fail(fmt::format("another value is here; {} must be", what));
    return *value;
  }

  // What is made of it.
  void append(std::vector<PickledRef> items) {
    auto& list = get<PickledList>(top(), "a list");
    list.items.insert(list.items.end(), items.begin(), items.end());
  }
  void set(std::vector<PickledRef> items) {
    auto& dict = get<PickledDict>(top(), "a dict");
    if (items.size() % 2 != 0) fail("a key without a value is here; it must have one");
    for (std::size_t k = 0; k < items.size(); k += 2) dict.items.emplace_back(items[k], items[k + 1]);
  }
  void global(const std::string& name) {
    const bool known = name == ordered_dict || name == tensor || name == parameter ||
                       std::ranges::find(storages, std::string_view(name), &StorageName::name) != storages.end();
    if (!known)
      fail(fmt::format(
          "the pickle names {}; it must be of tensors in dicts and lists, made by {}, {}, {} and storages such as {}, of "
          "real numbers: nothing else is understood, and nothing is run; save net.state_dict()",
          printable(name, 200), ordered_dict, tensor, parameter, storages[0].name));
    push(PickledGlobal{name});
  }
  void storage(const PickledRef& id) {
    const auto& parts = get<PickledList>(id, "the tuple of a storage").items;
    if (parts.size() != 5 || get<std::string>(parts[0], "a text") != "storage")
      fail(
          "the name of something that is not in the pickle is here; it must be a storage's: ('storage', type, key, device, "
          "length)");
    const std::string& type = get<PickledGlobal>(parts[1], "a storage's type").name;
    const auto* found = std::ranges::find(storages, std::string_view(type), &StorageName::name);
    if (found == storages.end()) fail(printable(type, 200) + " is here; a storage's type must be");
    const std::string& key = get<std::string>(parts[2], "a storage's key");
    if (key.size() > 256) fail(fmt::format("a storage's key of {} bytes is here; it must have at most 256", key.size()));
    push(PickledStorage{std::string(found->element), key, length(parts[4])});
  }
  std::uint64_t length(const PickledRef& ref) const {
    const std::int64_t value = get<std::int64_t>(ref, "a whole number");
    if (value < 0) fail(fmt::format("the length or place {} is here; it must not be negative", value));
    return static_cast<std::uint64_t>(value);
  }
  std::vector<std::size_t> lengths(const PickledRef& ref) const {
    const std::vector<PickledRef>& items = get<PickledList>(ref, "a tuple of lengths").items;
    if (items.size() > 64) fail(fmt::format("a tensor of {} axes is here; it must have at most 64", items.size()));
    std::vector<std::size_t> result;
    for (const PickledRef& item : items) result.push_back(length(item));
    return result;
  }
  void reduce(const std::string& name, const std::vector<PickledRef>& arguments) {
    if (name == ordered_dict) {
      if (!arguments.empty()) fail("an OrderedDict of something is here; it must be made empty");
      push(PickledDict());
    } else if (name == tensor) {
      if (arguments.size() < 6) fail(fmt::format("a tensor of {} arguments is here; it must have 6", arguments.size()));
      if (arguments.size() > 6 && !empty(arguments[6]))
        fail("a tensor with metadata, conjugated or negated, say, is here; it must have none; save tensor.clone()");
      PickledTensor result{get<PickledStorage>(arguments[0], "a storage"), length(arguments[1]), lengths(arguments[2]),
                           lengths(arguments[3])};
      check(result);
      push(std::move(result));
    } else if (name == parameter) {
      if (arguments.empty()) fail("a parameter of nothing is here; it must have a tensor");
      push(PickledTensor(get<PickledTensor>(arguments[0], "a tensor")));
    } else {
      fail(fmt::format("{} is called; it must be {}, {} or {}", name, ordered_dict, tensor, parameter));
    }
  }
  static bool empty(const PickledRef& ref) {
    const auto* dict = std::get_if<PickledDict>(&ref->value);
    return dict ? dict->items.empty() : std::holds_alternative<std::monostate>(ref->value);
  }
  /// All elements must lie in the storage.
  void check(const PickledTensor& t) const {
    if (t.shape.size() != t.strides.size())
      fail(fmt::format("a tensor of {} lengths and {} strides is here; there must be as many", t.shape.size(), t.strides.size()));
    if (std::ranges::find(t.shape, std::size_t{0}) != t.shape.end()) return;
    std::uint64_t last = t.offset;
    bool overflow = false;
    for (std::size_t k = 0; k < t.shape.size(); ++k) {
      std::uint64_t way = 0;
      overflow |= __builtin_mul_overflow(t.shape[k] - 1, t.strides[k], &way) || __builtin_add_overflow(last, way, &last);
    }
    if (overflow || last >= t.storage.count)
      fail(fmt::format("a tensor ({}) with strides ({}) begins at element {}; it must end in its storage of {}",
                       fmt::join(t.shape, ", "), fmt::join(t.strides, ", "), t.offset, t.storage.count));
  }

  [[noreturn]] void fail(const std::string& text) const { fail_at(begin_, text); }
  [[noreturn]] static void fail_at(std::size_t at, const std::string& text) { throw PickleError{at, text}; }

  std::string_view bytes_;
  PickleMemory& memory_;
  std::size_t at_ = 0, begin_ = 0;  // of the next byte, and of the instruction
  std::vector<PickledRef> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickledRef> memo_;
};

}  // namespace

PickledRef PickleMemory::add(Pickled value) { return all_.emplace_back(std::make_shared<Pickled>(std::move(value))); }

PickleMemory::~PickleMemory() {
  for (const PickledRef& value : all_) value->value = std::monostate();  // nothing refers to anything any more
}

PickledRef read_pickle(std::string_view bytes, PickleMemory& memory) { return Machine(bytes, memory).run(); }

std::string_view storage_of(std::string_view element) {
  for (const StorageName& storage : storages)
    if (storage.element == element) return storage.name;
  return {};
}

}  // namespace xgrad::nn
