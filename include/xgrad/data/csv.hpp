#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>

namespace xgrad {

/// A table of numbers.
struct Table {
  std::vector<std::string> names;  ///< of the columns; empty when the file has no header
  Array<double> values;            ///< (rows, columns)

  /// Which column has this name. Throws IndexError when there is none.
  XGRAD_API std::size_t index(std::string_view name, Where at = Where::current()) const;
  /// The column of this name, (rows,). Throws IndexError when there is none.
  XGRAD_API Array<double> column(std::string_view name, Where at = Where::current()) const;
};

struct CsvOptions {
  char separator = ',';
  bool header = true;  ///< the first line has the names of the columns
};

/// Reads a text file, plain or gzip, of one line for each row (RFC 4180): numbers as in C++, also inf and nan, with a point
/// whatever the locale; an empty field is NaN. Fields may stand in double quotes, in which a double quote is written twice. Spaces
/// around a field and lines with nothing but spaces do not count; lines may end in CR LF; a byte order mark is left out.
///
/// Throws FileError when the file is missing, no regular file or empty, a row has not as many fields as the first, or a field is no
/// number; the message names the file, the line and the column, from 1 on. Throws ValueError when the separator is a quote, a
/// space, a line's end or may be in a number.
XGRAD_API Table read_csv(const std::filesystem::path& path, CsvOptions options = {}, Where at = Where::current());

}  // namespace xgrad
