// What every program includes and takes longest to read, precompiled. With -Db_pch=false there is no such header.
#include <fmt/format.h>

#include <xgrad/xgrad.hpp>
