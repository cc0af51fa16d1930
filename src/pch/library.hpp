// What most files of the library include and takes longest to read, precompiled. A file still includes what it uses: with
// -Db_pch=false there is no such header.
#include <algorithm>

#include <fmt/format.h>

#include <xgrad/graph/apply.hpp>
