// Images from PNG and JPEG files, and folders of them. PNG files are made here, chunk by chunk; JPEG files are in files/images:
// 16 wide and 8 high, the left half red, the right half blue and below green.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include <xgrad/xgrad.hpp>

#include "directory.hpp"
#include "support.hpp"

namespace fs = std::filesystem;
namespace xg = xgrad;
using namespace xgrad_test;
using Bytes = std::vector<int>;

namespace {

std::string jpeg(const std::string& name) { return contents(fs::path(XGRAD_TEST_DATA) / "../files/images" / (name + ".jpg")); }

std::string number(std::uint32_t n) {
  return {static_cast<char>(n >> 24U), static_cast<char>(n >> 16U & 255U), static_cast<char>(n >> 8U & 255U),
          static_cast<char>(n & 255U)};
}
std::string chunk(const std::string& type, const std::string& content) {
  const std::string checked = type + content;
  return number(static_cast<std::uint32_t>(content.size())) + checked +
         number(static_cast<std::uint32_t>(
             crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()))));
}
/// `lines` are the rows with their filters; `extra` are chunks between header and data.
std::string png(std::uint32_t width, std::uint32_t height, int bits, int colours, const std::string& lines,
                const std::string& extra = {}) {
  std::string packed(compressBound(lines.size()), '\0');
  uLongf size = packed.size();
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(lines.data()), lines.size());
  packed.resize(size);
  return "\x89PNG\r\n\x1a\n" +
         chunk("IHDR", number(width) + number(height) + std::string{static_cast<char>(bits), static_cast<char>(colours), 0, 0, 0}) +
         extra + chunk("IDAT", packed) + chunk("IEND", "");
}
std::string text_of(const Bytes& bytes) {
  std::string result;
  for (const int b : bytes) result += static_cast<char>(b);
  return result;
}
const std::string small = png(2, 1, 8, 0, text_of({0, 10, 200}));

Bytes pixels(const xg::Array<std::uint8_t>& x) { return {x.data(), x.data() + x.size()}; }

/// Which colour is at a place of colour.jpg, however it is turned.
char colour_at(const xg::Array<std::uint8_t>& x, std::size_t row, std::size_t column) {
  const std::uint8_t* p = x.data() + (row * x.shape()[1] + column) * 3;
  return p[0] > 200 && p[1] < 60 && p[2] < 60   ? 'r'
         : p[1] > 200 && p[0] < 60 && p[2] < 60 ? 'g'
         : p[2] > 200 && p[0] < 60 && p[1] < 60 ? 'b'
                                                : '?';
}
/// The corners: upper left, upper right, lower left, lower right.
std::string corners(const xg::Array<std::uint8_t>& x) {
  const std::size_t h = x.shape()[0] - 2, w = x.shape()[1] - 2;
  return {colour_at(x, 1, 1), colour_at(x, 1, w), colour_at(x, h, 1), colour_at(x, h, w)};
}
/// A JPEG file with an orientation in its EXIF data.
std::string turned(const std::string& file, int orientation, bool little) {
  const std::string one = little ? std::string{1, 0} : std::string{0, 1},
                    o = little ? std::string{static_cast<char>(orientation), 0} : std::string{0, static_cast<char>(orientation)};
  const auto word = [&](const std::string& big) { return little ? std::string(big.rbegin(), big.rend()) : big; };
  std::string exif("Exif\0\0", 6);
  exif += (little ? "II" : "MM") + word({0, 42}) + word(number(8)) + word({0, 2});
  exif += word({1, 0}) + word({0, 4}) + word(number(1)) + word(number(77));  // ImageWidth
  exif +=
      word({1, 0x12}) + word({0, 3}) + word(number(1)) + o + std::string(2, '\0') + word(number(0));  // Orientation, and no next
  const auto length = static_cast<std::uint32_t>(exif.size() + 2);
  return file.substr(0, 2) + "\xff\xe1" + number(length).substr(2) + exif + file.substr(2);
}

bool can_read(const std::string& bytes) {
  const Directory d;
  const std::string text = error_of([&] { xg::read_image(d.write("x", bytes)); });
  if (text.empty()) return true;
  CHECK(has(text, "which needs lib"));
  CHECK(has(text, "build xgrad again with -D"));
  MESSAGE("skipped: built without the library for these images");
  return false;
}

}  // namespace

TEST_CASE("PNG: grey, colour, palette, 16 bits, transparent, one bit") {
  if (!can_read(small)) return;
  const Directory d;
  const auto read = [&](const std::string& bytes, std::size_t channels) {
    return pixels(xg::read_image(d.write("a.png", bytes), {.channels = channels}));
  };
  CHECK(xg::read_image(d.write("a.png", small), {.channels = 1}).shape() == xg::Shape{1, 2, 1});
  CHECK(read(small, 1) == Bytes{10, 200});
  CHECK(read(small, 3) == Bytes{10, 10, 10, 200, 200, 200});
  const std::string rgb = png(1, 2, 8, 2, text_of({0, 1, 2, 3, 0, 255, 0, 7}));
  CHECK(xg::read_image(d.write("a.png", rgb)).shape() == xg::Shape{2, 1, 3});
  CHECK(read(rgb, 3) == Bytes{1, 2, 3, 255, 0, 7});
  CHECK(read(png(2, 1, 16, 0, text_of({0, 10, 10, 200, 200})), 1) == Bytes{10, 200});
  CHECK(read(png(1, 1, 16, 2, text_of({0, 1, 1, 2, 2, 200, 200})), 3) == Bytes{1, 2, 200});
  CHECK(read(png(2, 1, 8, 3, text_of({0, 1, 0}), chunk("PLTE", text_of({9, 8, 7, 255, 0, 1}))), 3) == Bytes{255, 0, 1, 9, 8, 7});
  CHECK(read(png(3, 1, 1, 0, text_of({0, 0xa0})), 1) == Bytes{255, 0, 255});
  CHECK(read(png(2, 1, 8, 4, text_of({0, 50, 255, 50, 0})), 1) == Bytes{50, 255});  // transparent is white
  CHECK(read(png(1, 1, 8, 6, text_of({0, 5, 6, 7, 255})), 3) == Bytes{5, 6, 7});
  CHECK(read(png(3, 1, 8, 2, text_of({0, 255, 0, 0, 0, 255, 0, 0, 0, 255})), 1) == Bytes{76, 150, 29});  // as of a JPEG
  CHECK(read(png(2, 1, 8, 6, text_of({0, 255, 0, 0, 128, 0, 0, 0, 64})), 3) == Bytes{255, 127, 127, 191, 191, 191});
}

TEST_CASE("JPEG: colour, grey, progressive, as EXIF turns it") {
  if (!can_read(jpeg("grey"))) return;
  const Directory d;
  const auto read = [&](const std::string& bytes, std::size_t channels = 3) {
    return xg::read_image(d.write("a.png", bytes), {.channels = channels});
  };
  const auto colour = read(jpeg("colour"));  // whatever its name is
  CHECK(colour.shape() == xg::Shape{8, 16, 3});
  CHECK(corners(colour) == "rbrg");
  CHECK(corners(read(jpeg("progressive"))) == "rbrg");
  const auto grey = read(jpeg("grey"), 1);
  CHECK(std::abs(grey.data()[16 + 1] - 200) < 12);
  CHECK(std::abs(grey.data()[16 + 14] - 100) < 12);
  CHECK(read(jpeg("grey")).shape() == xg::Shape{8, 16, 3});
  const std::string expected[] = {"rbrg", "brgr", "grbr", "rgrb", "rrbg", "rrgb", "gbrr", "bgrr"};
  for (int o = 1; o <= 8; ++o)
    for (const bool little : {false, true}) {
      const auto image = read(turned(jpeg("colour"), o, little));
      CHECK(image.shape() == (o < 5 ? xg::Shape{8, 16, 3} : xg::Shape{16, 8, 3}));
      CHECK(corners(image) == expected[o - 1]);
    }
  CHECK(corners(read(turned(jpeg("colour"), 9, false))) == "rbrg");  // makes no sense
}

TEST_CASE("images that are none are named, wherever they are cut") {
  const Directory d;
  if (can_read(small))
    for (std::size_t n = 0; n < small.size(); ++n) {
      const std::string text = error_of([&] { xg::read_image(d.write("cut.png", small.substr(0, n))); });
      CHECK_MESSAGE(has(text, (d.path / "cut.png").string() + ": "), n);
      if (n > 8)
        CHECK_MESSAGE(has(text, "the PNG ends at offset " + std::to_string(n) + ", without a whole chunk from offset "), n);
    }
  if (can_read(jpeg("grey"))) {
    const std::string whole = turned(jpeg("grey"), 6, false);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string text = error_of([&] { xg::read_image(d.write("cut.jpg", whole.substr(0, n))); });
      CHECK_MESSAGE(has(text, (d.path / "cut.jpg").string() + ": "), n);
      if (n > 3) CHECK_MESSAGE(has(text, "the JPEG ends at offset " + std::to_string(n) + ", without the bytes ff d9"), n);
    }
    // no checksum is in a JPEG: what is damaged is what cannot be decoded
    const std::string grey = jpeg("grey");
    const std::size_t image = grey.find("\xff\xda"), scan = image + 10;
    for (const std::string& damaged : {grey.substr(0, scan) + std::string(grey.size() - scan - 2, '\x55') + "\xff\xd9",
                                       grey.substr(0, grey.size() - 12) + "\xff\xd9"}) {
      const std::string text = error_of([&] { xg::read_image(d.write("d.jpg", damaged)); });
      CHECK_MESSAGE(
          has(text, "d.jpg: the JPEG of " + std::to_string(damaged.size()) + " bytes is damaged: its image, from offset " +
                        std::to_string(image) + " on, cannot be decoded ("),
          text);
      CHECK_MESSAGE(has(text, "); it must be whole; fetch the file again"), text);
    }
    std::string header = grey;
    header[header.find("\xff\xc0") + 7] = 0;  // the width
    header[header.find("\xff\xc0") + 8] = 0;
    const std::string text = error_of([&] { xg::read_image(d.write("d.jpg", header)); });
    CHECK_MESSAGE(
        has(text, " bytes is damaged: its segments before offset " + std::to_string(image) + ", where its image begins, cannot"),
        text);
    std::string marker = grey;
    marker[marker.find("\xff\xc0")] = 7;
    const std::string place = std::to_string(grey.find("\xff\xc0")),
                      said = error_of([&] { xg::read_image(d.write("d.jpg", marker)); });
    CHECK_MESSAGE(
        has(said, "is damaged: at offset " + place + " there is 07 c0, where a segment (ff ..) or the image (ff da) must begin"),
        said);
    CHECK(has(error_of([&] { xg::read_image(d.write("c.jpg", jpeg("cmyk"))); }),
              "c.jpg: the JPEG has the colours CMYK; it must be grey or in RGB"));
  }
  CHECK(has(error_of([&] { xg::read_image(d.write("a.gif", "GIF89a")); }),
            "begins with bytes 47 49 46 38; it must be a PNG (89 50 4e 47) or JPEG file"));
  CHECK(has(error_of([&] { xg::read_image(d.write("e.png", "")); }), "e.png: is empty; it must be"));
  CHECK(has(error_of([&] { xg::read_image(d.path / "none.png"); }), "none.png: there is no such file"));
  CHECK(has(error_of([&] { xg::read_image(d.path); }), "it is a directory; it must be a regular file"));
  REQUIRE(mkfifo((d.path / "f.png").c_str(), 0600) == 0);
  CHECK(has(error_of([&] { xg::read_image(d.path / "f.png"); }), "it is a FIFO; it must be a regular file"));
  CHECK(error(__LINE__, [&] { xg::read_image(d.path / "a", {.channels = 2}); }) == "read_image: channels is 2; it must be 1 or 3");
  CHECK(has(error_of([&] { xg::read_image(d.path / "a", {.height = 65536}); }), "height is 65536; it must be at most 65535"));
  if (can_read(small)) {
    const std::string huge = png(0x7fffffff, 0x7fffffff, 8, 0, "");
    CHECK(has(error_of([&] { xg::read_image(d.write("h.png", huge)); }), "h.png: "));
    CHECK(has(error_of([&] { xg::read_image(d.write("h.png", png(50000, 50000, 8, 0, ""))); }),
              "the header says 50000 by 50000 pixels, which"));
    std::string damaged = small;
    damaged[small.size() - 20] = static_cast<char>(damaged[small.size() - 20] ^ 1);
    CHECK(has(error_of([&] { xg::read_image(d.write("d.png", damaged)); }),
              "the PNG of " + std::to_string(small.size()) + " bytes is damaged, in the chunk at offset 33 ("));
    CHECK(xg::read_image(d.write("long.png", small + "more")).size() == 6);  // what is behind the end is not its own
  }
}

TEST_CASE("images are resized without aliasing") {
  if (!can_read(small)) return;
  const Directory d;
  const fs::path path = d.write("a.png", png(4, 1, 8, 0, text_of({0, 0, 100, 100, 200})));
  const auto read = [&](std::size_t height, std::size_t width) {
    return pixels(xg::read_image(path, {.channels = 1, .height = height, .width = width}));
  };
  CHECK(read(0, 0) == Bytes{0, 100, 100, 200});
  CHECK(read(2, 4) == Bytes{0, 100, 100, 200, 0, 100, 100, 200});
  CHECK(read(0, 8) == Bytes{0, 25, 75, 100, 100, 125, 175, 200});
  CHECK(read(0, 2) == Bytes{57, 143});  // (3·0 + 3·100 + 1·100) / 7
  CHECK(read(0, 1) == Bytes{100});
}

TEST_CASE("a folder of images is a source") {
  const Directory d;
  for (const char* name : {"class10/a.png", "class2/img10.png", "class2/img2.PNG", "class2/deep/img1.png", "class2/notes.txt",
                           "class2/.hidden.png", ".git/x.png", "file.png"})
    d.write(name, small);
  d.write("class2/img2.PNG", png(2, 1, 8, 0, text_of({0, 255, 0})));
  if (!can_read(small)) return;
  const auto set = xg::image_folder<double>(d.path, {.channels = 1});
  CHECK(set.names() == std::vector<std::string>{"class2", "class10"});
  CHECK(set.classes() == 2);
  REQUIRE(set.size() == 4);
  CHECK(set[0].label == 0);
  CHECK(set[3].label == 1);
  CHECK(is(set[1].value, {1, 0}));  // deep/img1, img2, img10
  CHECK(is(set[2].value, {10 / 255., 200 / 255.}));
  CHECK(set[2].value.shape() == xg::Shape{1, 2, 1});

  xg::Loader<float> loader(xg::image_folder<float>(d.path, {.height = 4, .width = 4}), {.batch_size = 4, .workers = 2});
  for (auto [images, labels] : loader) CHECK(images.shape() == xg::Shape{4, 4, 4, 3});
  d.write("class2/img2.PNG", small.substr(0, 40));
  CHECK(has(error_of([&] {
              for (auto batch : loader) static_cast<void>(batch);
            }),
            "img2.PNG: the PNG ends at offset 40, without a whole chunk from offset 33 on; it must go on"));

  fs::create_directories(d.path / "class3");
  const std::string what = error(__LINE__, [&] { xg::image_folder<float>(d.path); });
  CHECK(what == "image_folder: " + (d.path / "class3").string() +
                    ": has no image; a class must have one (.png, .jpg or .jpeg), or its folder must go");
  CHECK(has(error_of([&] { xg::image_folder<float>(d.path / "class10"); }),
            "class10: has no folders; it must have one for each class"));
  CHECK(has(error_of([&] { xg::image_folder<float>(d.path / "none"); }),
            "none: no such directory; it must be a directory with a folder for each class"));
  CHECK(has(error_of([&] { xg::image_folder<float>(d.path / "file.png"); }),
            "file.png: is no directory; it must be a directory with"));
  CHECK(has(error_of([&] { xg::image_folder<float>(d.path, {.channels = 4}); }), "channels is 4; it must be 1 or 3"));
}
