#pragma once
/// Images from PNG and JPEG files.
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include <xgrad/core/api.hpp>
#include <xgrad/core/array.hpp>
#include <xgrad/core/where.hpp>
#include <xgrad/data/source.hpp>

namespace xgrad {

struct ImageOptions {
  std::size_t channels = 3;  ///< 3: red, green and blue; 1: grey
  std::size_t height = 0,
              width = 0;  ///< 0: as the image is. Else it is resized, each axis by itself, linearly and without aliasing
};

/// An image, (height, width, channels) bytes. Its first bytes say whether it is PNG or JPEG, whatever its name is. All kinds of PNG
/// are read: grey, palette and 16 bits (rounded to 8), interlaced too; what is transparent lies on white, and a gamma that the file
/// names is followed, to sRGB. JPEG may be grey or in colour, baseline or progressive, and is turned as its EXIF orientation says.
/// Where grey is asked for, it is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), of both kinds.
///
/// Throws FileError, with the name of the file, when it is missing, no regular file, neither PNG nor JPEG, damaged or cut short (of
/// a JPEG, which has no checksum, as far as it cannot be decoded), larger than memory, a JPEG in CMYK, or of a kind for which this
/// library was built without its library (libpng, libjpeg-turbo). Throws ValueError when channels is not 1 or 3, or height or width
/// is above 65535.
XGRAD_API Array<std::uint8_t> read_image(const std::filesystem::path& path, ImageOptions options = {}, Where at = Where::current());

/// The images of a directory that has a folder for each class, which is called as its folder is. They are read one by one when they
/// are asked for, so a set may be larger than memory; bytes p become p/255. Read by Loader's workers:
///
///     const auto train = xg::image_folder<float>("pets/train", {.height = 64, .width = 64});
///     xg::Loader<float> loader(train, {.workers = 2, .augment = {xg::augment::Flip{}}});
///
/// Classes and the images in them are sorted as people do: "img2.png" before "img10.png". An image is a file in a class's folder,
/// or in folders below it, whose name ends in .png, .jpg or .jpeg, in small letters or capital ones; other files, and those whose
/// name begins with a point, are left out.
///
/// Throws FileError when the directory is missing, has no folders, or there is a folder without an image, ValueError as read_image
/// does. Reading an image throws as read_image does.
template <Real T>
XGRAD_API Source<T> image_folder(const std::filesystem::path& directory, ImageOptions options = {}, Where at = Where::current());

}  // namespace xgrad
