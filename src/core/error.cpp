#include <xgrad/core/error.hpp>

#include <cstring>
#include <new>

#include <xgrad/core/text.hpp>

namespace xgrad {

std::string to_string(Where at) {
  if (!at) return "unknown line";
  const char* slash = std::strrchr(at.file_name(), '/');
  return std::string(slash ? slash + 1 : at.file_name()) + ":" + std::to_string(at.line());
}

namespace {

/// The name of a function: where the compiler tells it, g++ adds the template's arguments.
std::string name_of(std::string_view op) { return printable(op.substr(0, op.find('<'))); }

}  // namespace

Error::Error(const std::string& message) : Error(Where{}, "", message) {}

Error::Error(Where at, std::string_view op, const std::string& message)
    : std::runtime_error(printable(message)), where_(at), op_(name_of(op)), message_(std::runtime_error::what()) {
  compose();
}

const char* Error::what() const noexcept { return text_.c_str(); }

void Error::place(Where at, std::string_view op) {
  if (!where_) where_ = at;
  if (op_.empty()) op_ = name_of(op);
  compose();
}

void Error::rename(std::string_view op) {
  op_ = name_of(op);
  compose();
}

void Error::note(std::string_view text) {
  message_ += " (" + printable(text) + ")";
  compose();
}

void detail::rethrow(Where at, std::string_view op) {
  try {
    throw;
  } catch (Error& error) {
    error.place(at, op);
    throw;
  } catch (const std::bad_alloc&) {
    throw MemoryError(at, op, "there is no memory left; the program must need less at once");
  }
}

void Error::compose() {
  text_.clear();
  if (where_) text_ += to_string(where_) + ": ";
  if (!op_.empty()) text_ += op_ + ": ";
  text_ += message_;
}

}  // namespace xgrad
