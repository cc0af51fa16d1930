#pragma once
/// Small pictures as text that a page can hold.
#include <cstdint>
#include <span>
#include <string>

/// A PNG as a data URI: rows of grey bytes, or of red, green and blue ones, depending on how many there are.
std::string png_uri(std::size_t width, std::size_t height, std::span<const std::uint8_t> pixels);
