"""Products, and LAPACK's routines."""
import torch

from .case import R, V, case

PRODUCTS = {"matrices": ((2, 3), (3, 4)), "vectors": ((3,), (3,)), "row": ((3,), (3, 2)), "column": ((2, 3), (3,)),
            "batch": ((2, 2, 3), (2, 3, 2)), "broadcast": ((2, 1, 2, 3), (3, 3, 1)), "shared": ((2, 3), (2, 3, 2)),
            "batch by vector": ((2, 2, 3), (3,)), "ones": ((1, 1), (1, 1)), "inner empty": ((2, 0), (0, 3)),
            "empty": ((0, 3), (3, 2)), "odd": ((5, 7), (7, 3))}
for config, (a, b) in PRODUCTS.items():
    case(f"matmul/{config}", [R(*a), R(*b)], torch.matmul)
case("matmul/transpose a", [R(3, 2), R(3, 4)], lambda a, b: a.mT @ b)
case("matmul/transpose b", [R(2, 2, 3), R(4, 3)], lambda a, b: a @ b.mT)
case("matmul/transpose both", [R(3, 2), R(2, 4, 3)], lambda a, b: a.mT @ b.mT)
for config, shape in {"matrix": (2, 3), "vector": (3,), "batch": (2, 2, 3), "empty": (0, 3)}.items():
    case(f"linear/{config}", [R(*shape), R(4, 3)], torch.nn.functional.linear)
    case(f"linear bias/{config}", [R(*shape), R(4, 3), R(4)], torch.nn.functional.linear)
case("dot/vectors", [R(4), R(4)], torch.dot)
case("dot/matrices", [R(2, 3), R(3, 2)], torch.matmul)
case("dot/ranks", [R(2, 3), R(2, 3, 2)], lambda a, b: torch.tensordot(a, b, ([1], [1])))
case("dot/number", [R(), R(2, 3)], torch.mul)
case("outer/vectors", [R(2), R(3)], torch.outer)
case("outer/matrices", [R(2, 2), R(1, 3)], lambda a, b: torch.outer(a.flatten(), b.flatten()))
case("tensordot/two", [R(2, 3, 4), R(3, 4, 2)], lambda a, b: torch.tensordot(a, b, 2))
case("tensordot/one", [R(2, 3), R(3, 2, 2)], lambda a, b: torch.tensordot(a, b, 1))
case("tensordot/none", [R(2), R(3)], lambda a, b: torch.tensordot(a, b, 0))
case("tensordot/named", [R(2, 3, 4), R(4, 5, 2)], lambda a, b: torch.tensordot(a, b, ([2, 0], [0, 2])))

EQUATIONS = {"ij,jk->ik": ((2, 3), (3, 4)), "bij,bjk->bik": ((2, 2, 3), (2, 3, 2)), "ii->": ((3, 3),), "ii->i": ((3, 3),),
             "ij->ji": ((2, 3),), "ij->j": ((2, 3),), "i,j->ij": ((2,), (3,)), "bhqd,bhkd->bhqk": ((2, 2, 2, 3), (2, 2, 3, 3)),
             "...ij,...jk->...ik": ((2, 1, 2, 3), (3, 3, 2)), "ij,jk,kl->il": ((2, 3), (3, 2), (2, 4)),
             "i,ij,j->": ((2,), (2, 3), (3,)), "bn,anm,bm->ba": ((2, 3), (2, 3, 4), (2, 4)), "ij,jk": ((2, 3), (3, 2))}
for equation, shapes in EQUATIONS.items():
    case(f"einsum {equation}/plain", [R(*s) for s in shapes], lambda *x, e=equation: torch.einsum(e, *x))
case("trace/plain", [R(3, 3)], torch.trace)
case("trace/wide", [R(2, 4)], torch.trace)
case("trace/offset", [R(3, 4)], lambda x: x.diagonal(1).sum(-1))
case("trace/batch", [R(2, 3, 3)], lambda x: x.diagonal(0, 1, 2).sum(-1))

# Well conditioned: random off the diagonal, large on it.
SQUARE = V([[4, 1, -0.5], [0.75, -3, 1], [0.25, -1, 5]])
BATCH = V([[[3, 1], [-0.5, 2]], [[1, 2], [3, -1]], [[0.5, 0], [1, -2]]])
SPD = V([[4, 1, -0.5], [1, 3, 0.75], [-0.5, 0.75, 2]])
SPDS = V([[[3, 1], [1, 2]], [[1, 0.25], [0.25, 1]]])
for config, a in {"one": SQUARE, "batch": BATCH, "number": V([[2.5]]), "empty": R(0, 3, 3)}.items():
    case(f"inverse/{config}", [a], torch.linalg.inv)
    case(f"det/{config}", [a], torch.linalg.det)
    case(f"slogdet/{config}", [a], lambda x: (torch.linalg.slogdet(x)[0].detach(), torch.linalg.slogdet(x)[1]))
for config, a in {"one": SPD, "batch": SPDS, "number": V([[2.5]]), "empty": R(0, 2, 2)}.items():
    case(f"logdet/{config}", [a], torch.logdet)
    case(f"cholesky/{config}", [a], torch.linalg.cholesky)
case("det/singular", [V([[1, 2], [2, 4]])], torch.linalg.det, order=0, why="the gradient needs the inverse")
case("solve/matrix", [SQUARE, R(3, 2)], torch.linalg.solve)
case("solve/vector", [SQUARE, R(3)], torch.linalg.solve)
case("solve/batch", [BATCH, R(3, 2, 4)], torch.linalg.solve)
case("solve/broadcast", [BATCH, R(1, 2, 2)], torch.linalg.solve)
case("solve/no columns", [SQUARE, R(3, 0)], torch.linalg.solve)


def triangular(upper=False, transpose=False, unit=False):
    def run(a, b):
        t = a.triu() if upper else a.tril()
        return torch.linalg.solve_triangular(t.mT if transpose else t, b, upper=upper != transpose, unitriangular=unit)
    return run


case("triangular_solve/lower", [SQUARE, R(3, 2)], triangular())
case("triangular_solve/upper", [SQUARE, R(3, 2)], triangular(upper=True))
case("triangular_solve/transpose", [SQUARE, R(3, 2)], triangular(transpose=True))
case("triangular_solve/unit", [SQUARE, R(3, 2)], triangular(unit=True))
case("triangular_solve/batch", [BATCH, R(2, 3)], triangular())
