#pragma once
/// Variables as text, for fmt and for std::ostream.
#include <xgrad/core/print.hpp>
#include <xgrad/graph/variable.hpp>

namespace xgrad {

/// The value as that of an Array, behind it its shape and where it is from: "[1, 2] (2,) leaf", "[3, 8] (2,) mul at net.cpp:12",
/// "[1, 2] (2,) constant"; "undefined".
template <class T>
XGRAD_API std::string to_string(const Variable<T>& variable);

template <class T>
XGRAD_API std::ostream& operator<<(std::ostream& stream, const Variable<T>& variable);

}  // namespace xgrad

template <>
struct fmt::formatter<xgrad::Variable<float>> : xgrad::detail::TextFormatter {};
template <>
struct fmt::formatter<xgrad::Variable<double>> : xgrad::detail::TextFormatter {};
