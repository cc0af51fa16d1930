#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <xgrad/core/where.hpp>

namespace xgrad::draw {

/// An <svg> element with the colours of charts around what it shows. `label` is for those who cannot see it.
std::string svg(std::size_t width, std::size_t height, std::string_view label, std::string_view content);
/// Writes it as a file, whole or not at all; `op` is who does it, for errors.
void write_svg_as(const char* op, const std::filesystem::path& path, std::string_view svg, Where at);

}  // namespace xgrad::draw
