// What most tests include and takes longest to read, precompiled. A file still includes what it uses: -Db_pch=false builds without
// this.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <xgrad/xgrad.hpp>
