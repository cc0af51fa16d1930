// What most tests include and takes longest to read, precompiled. With -Db_pch=false there is no such header.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <xgrad/xgrad.hpp>
