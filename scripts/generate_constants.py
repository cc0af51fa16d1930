#!/usr/bin/env python3
"""Writes include/xgrad/ops/constants.hpp: operations whose first Variable is an Array, a constant. Run from anywhere.

usage: generate_constants.py [--check]      --check only says whether the committed header is what it would write

The other operands of an operation take Arrays as they are; from the first Variable its element type is found, and C++ finds none where an Array
stands for a Variable. So each operation has an overload, made from its declaration, but for those that xtensor has under the same name:
there an Array alone is xtensor's, as ever."""
import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from generate_operations import split_parameters  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / 'include/xgrad/ops/constants.hpp'
XTENSOR = set("""pow fmod hypot atan2 less less_equal greater greater_equal equal not_equal abs square sqrt cbrt exp exp2 expm1 log log1p log2
log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc lgamma tgamma sign floor ceil round nan_to_num maximum minimum
where clip sum mean amax amin argmax argmin any all count_nonzero variance stddev norm prod cumsum cumprod sort argsort median
flatten ravel transpose squeeze stack split pad flip roll tile repeat diagonal diag tril triu concatenate""".split())
DECLARED = re.compile(r'^template <class T>\n(?:XGRAD_API )?((?:Variable|TopK|SignAndLog|LSTMState|std::vector)<[^;(){}]*>) (\w+)\(((?:[^;{}]|\{\})*)\)\s*[;{]', re.M)


def overloads(text):
    text = re.sub(r'namespace detail \{.*?\n\}', '', text, flags=re.S)
    own = set(re.findall(r' (\w+)\(const L& |^XGRAD_LEFT_OPERAND\((\w+)\)', text, re.M))
    own = {name for pair in own for name in pair}  # which have one for whatever xtensor can compute
    for result, name, declared in DECLARED.findall(text):
        parameters = split_parameters(' '.join(declared.split()))
        matches = [re.fullmatch(r'(?:const )?Variable<T>&? (\w+)', p) for p in parameters]
        place = next((k for k, match in enumerate(matches) if match), None)  # labels may come before it
        if place is None or name in XTENSOR or name in own:
            continue
        names = [re.sub(r' = .*$', '', p).rsplit(' ', 1)[1] for p in parameters]
        moved = [n if '&' in p.split(n)[0] or re.match(r'(int|double|bool|std::ptrdiff_t|Where) ', p) else f'std::move({n})' for n, p in zip(names, parameters)]
        shown = parameters.copy()
        shown[place] = f'const A& {names[place]}'
        moved[place] = f'Variable<T>({names[place]})'
        yield f'template <class A, class T = typename A::value_type>\n  requires detail::Constant<A, T>\n{result} {name}({", ".join(shown)}) {{\n  return {name}({", ".join(moved)});\n}}\n'


def page():
    headers = sorted(p for p in (ROOT / 'include/xgrad/ops').glob('*.hpp') if p.name not in (HEADER.name, 'formula.hpp'))
    found = [(p, list(overloads(p.read_text(encoding='utf-8')))) for p in headers]
    found = [(p, made) for p, made in found if made]
    out = """#pragma once
// clang-format off
/// Operations of an Array, which is a constant: relu(array), mse_loss(array, y), linear(array, weight). What is said of each where it is
/// declared for Variables holds. Where xtensor has a function of the same name, such as exp or sum, an Array is xtensor's, and an operation
/// needs a Variable: `exp(Variable<T>(array))`. In a list of operands the type is named: `concat<float>({array, x})`.
// Written by scripts/generate_constants.py from the other headers of this folder. The tests check that it is up to date.
#include <concepts>
#include <utility>

"""
    out += ''.join(f'#include <xgrad/ops/{p.name}>\n' for p, _ in found)
    out += '\nnamespace xgrad {\n\nnamespace detail {\n/// An Array itself: nothing is made one, or a call that names T could mean both an Array and a Variable.\n' \
        'template <class A, class T>\nconcept Constant = Real<T> && std::same_as<A, Array<T>>;\n}  // namespace detail\n\n' + ''.join(text for _, made in found for text in made) + '\n}  // namespace xgrad\n'
    return out, sum(len(made) for _, made in found)


def main():
    text, count = page()
    if '--check' in sys.argv[1:]:
        good = HEADER.exists() and HEADER.read_text(encoding='utf-8') == text
        if not good:
            print(f'{HEADER.relative_to(ROOT)} is not what the other headers say; run scripts/generate_constants.py')
        print(f'{int(good)} passed, {int(not good)} failed')
        sys.exit(not good)
    HEADER.write_text(text, encoding='utf-8')
    print(f'{count} overloads')


if __name__ == '__main__':
    main()
