#pragma once
/// Event files, which TensorBoard shows while a program runs.
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <xgrad/core/api.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/draw/image.hpp>

namespace xgrad::draw {

struct EventFileOptions {
  /// The first step that will be written anew: TensorBoard forgets this one and all later ones of the directory's earlier files
  /// (SessionLog START in event.proto).
  std::optional<std::int64_t> purge_step = {};
};

/// Writes scalars and pictures for TensorBoard as they come:
///
///     draw::EventFile events("runs/first");            // tensorboard --logdir runs
///     events.add(step, {{"loss", loss.item()}, {"rate", opt.options.lr}});
///
/// The file is one of records (TFRecord: length, content and the masked CRC-32C of each) of Events as TensorFlow's event.proto and
/// summary.proto have them, file version "brain.Event:2". Each call appends whole records and gives them to the system, so who
/// reads meanwhile, and a program that is killed, lose at most the last. A run that is resumed makes another file in its directory,
/// which is how TensorBoard expects it, and says from which step on what the files before it have counts for nothing:
///
///     draw::EventFile events("runs/first", {.purge_step = step + 1});    // the checkpoint was of this step
class EventFile {
 public:
  /// Makes the directory where there is none, and in it a new file events.out.tfevents.….xgrad. Throws FileError when that cannot
  /// be done.
  XGRAD_API explicit EventFile(const std::filesystem::path& directory, EventFileOptions options = {}, Where at = Where::current());
  XGRAD_API ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Values at a step, which TensorBoard has as floats. A `/` in a name groups what is before it. Throws FileError when they cannot
  /// be written: the file then ends behind what came before.
  XGRAD_API void add(std::int64_t step, std::initializer_list<std::pair<std::string_view, double>> values,
                     Where at = Where::current());
  /// A picture at a step. Throws as add, and as png.
  XGRAD_API void add_image(std::int64_t step, std::string_view name, const Pixels& image, Where at = Where::current());

  XGRAD_API const std::filesystem::path& path() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace xgrad::draw
