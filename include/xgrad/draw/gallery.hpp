#pragma once
/// Pictures side by side, as one SVG that stands in a page or in a file of its own.
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/draw/page.hpp>

namespace xgrad::draw {

struct GalleryOptions {
  std::string title = {};
  std::size_t columns = 0;  ///< 0: all in one row, up to six
  std::size_t width = 720;  ///< of the whole in pixels; a page may stretch it
};

/// An `<svg>` element with pictures row by row, each as wide as the others, enlarged without smoothing, its caption and note below
/// it. It is dark on light or light on dark as the reader's system is, and so are pictures whose look allows it. `panels`
/// takes it as it takes a chart.
///
/// Throws ShapeError for what is no picture and where there is none, ValueError when the width is not from 100 to 10000 or leaves
/// less than 8 pixels for a column.
XGRAD_API std::string gallery(const std::vector<Picture>& pictures, const GalleryOptions& options = {},
                              Where at = Where::current());
/// Writes a gallery as an SVG file, whole or not at all. Throws as gallery, and FileError as WholeFile.
XGRAD_API void write_gallery(const std::filesystem::path& path, const std::vector<Picture>& pictures,
                             const GalleryOptions& options = {}, Where at = Where::current());

}  // namespace xgrad::draw
