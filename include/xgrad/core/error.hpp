#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// Every error of the library. what() reads "lenet.cpp:31: matmul: what is, what must be, remedy".
///
/// An op's kernel throws one with the message alone; `apply` then puts in the line of the user's program and the op's name.
class XGRAD_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message);
  Error(Where at, std::string_view op, const std::string& message);

  const char* what() const noexcept override;
  /// The user's line; false when it is not known (yet).
  Where where() const noexcept { return where_; }
  /// Name of the operation or function that complains; empty when not known (yet).
  const std::string& op() const noexcept { return op_; }
  /// The message without the place.
  const std::string& message() const noexcept { return message_; }

  /// Fills in line and op where they are still unknown.
  void place(Where at, std::string_view op);
  /// Names another function: the one that was called, where it is made of the one that complains.
  void rename(std::string_view op);
  /// Appends to the message, in brackets.
  void note(std::string_view text);

 private:
  void compose();
  Where where_;
  std::string op_, message_, text_;
};

/// Shapes or axes that do not fit.
class XGRAD_API ShapeError : public Error {
  using Error::Error;
};
/// An index or a label out of range.
class XGRAD_API IndexError : public Error {
  using Error::Error;
};
/// An option or argument with a value that makes no sense.
class XGRAD_API ValueError : public Error {
  using Error::Error;
};
/// Misuse of the graph: freed, changed since, undefined, nothing to differentiate.
class XGRAD_API GraphError : public Error {
  using Error::Error;
};
/// Memory that cannot be had.
class XGRAD_API MemoryError : public Error {
  using Error::Error;
};
/// A file that cannot be read or written, or that is not what it should be. The message names file and offset.
class XGRAD_API FileError : public Error {
  using Error::Error;
};

namespace detail {
/// In a handler: throws the current exception again, an Error with line and name where they are still unknown,
/// std::bad_alloc as a MemoryError.
[[noreturn]] XGRAD_API void rethrow(Where at, std::string_view op);
}  // namespace detail

}  // namespace xgrad
