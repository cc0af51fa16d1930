// The rules of the library, with their types forgotten.
#include <xgrad/optim/rules.hpp>

namespace xgrad::optim::detail {

#define XGRAD_INSTANTIATE(Rule) template AnyRule any_rule(const Rule&);
XGRAD_RULES(XGRAD_INSTANTIATE)
#undef XGRAD_INSTANTIATE

}  // namespace xgrad::optim::detail
