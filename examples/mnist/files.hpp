#pragma once
/// Files as the program writes them: whole or not at all.
#include <filesystem>
#include <optional>
#include <string>

/// Makes the directory where there is none. Throws std::runtime_error unless the named files can be written in it: better before an
/// hour of training than after.
void prepare_directory(const std::filesystem::path& directory, std::initializer_list<const char*> files);

/// Replaces a file in one step: who reads it meanwhile, or pulls the plug, has the old text or the new one.
void write_whole(const std::filesystem::path& path, const std::string& text);

/// What Graphviz makes of a graph: an <svg> element. Nothing where Graphviz is not installed or fails.
std::optional<std::string> draw_svg(const std::string& dot);
