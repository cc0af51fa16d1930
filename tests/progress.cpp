#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include <xgrad/core/progress.hpp>

namespace {

std::string content(std::FILE* file) {
  std::rewind(file);
  std::string text;
  for (int c = 0; (c = std::fgetc(file)) != EOF;) text += static_cast<char>(c);
  return text;
}

}  // namespace

TEST_CASE("progress: one line for each epoch where the output is no terminal") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    xgrad::Progress progress({.epochs = 3, .samples = 30, .to = file});
    CHECK(progress.mean("loss") == 0);
    progress.step(10, {{"loss", 4}, {"accuracy", 50}});
    progress.step(20, {{"loss", 1}});
    CHECK(progress.mean("loss") == 2);  // weighted by samples
    CHECK(progress.speed() > 0);
    CHECK(progress.line().starts_with("epoch 1/3   loss 2   accuracy 50   "));
    CHECK(progress.line().ends_with(" left"));
    CHECK(content(file).empty());
    progress.epoch({{"test", 97.25}});
    progress.step(30, {{"loss", 3}});
    progress.epoch();
    progress.step(30, {{"loss", 5}});
    CHECK(progress.line().find("left") == std::string::npos);
    progress.epoch();
  }
  const std::string text = content(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.starts_with("epoch 1/3   loss 2   accuracy 50   "));
  CHECK(text.find("   test 97.25\nepoch 2/3   loss 3   ") != std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  std::fclose(file);
}

TEST_CASE("progress: a run that is resumed goes on") {
  xgrad::Progress progress({.epochs = 4, .samples = 100, .epoch = 2, .done = 60});
  CHECK(progress.line().starts_with("epoch 3/4   "));
  progress.step(40);
  CHECK(progress.line().starts_with("epoch 3/4   "));
}
