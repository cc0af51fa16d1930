// What most files of the library include and takes longest to read, precompiled. A file still includes what it uses: -Db_pch=false
// builds without this.
#include <algorithm>

#include <fmt/format.h>

#include <xgrad/graph/apply.hpp>
