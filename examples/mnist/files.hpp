#pragma once
/// What the program has to do with the system: its output, its folder.
#include <filesystem>
#include <initializer_list>
#include <string>

/// Prints to standard output, at once. What fails is remembered and not thrown: training goes on, and its weights are saved.
void say(const std::string& text);
/// Throws std::runtime_error when something could not be printed.
void check_said();

/// Makes the directory where there is none. Throws an std::exception unless the named files can be written in it: better before an
/// hour of training than after.
void prepare_directory(const std::filesystem::path& directory, std::initializer_list<const char*> files);
