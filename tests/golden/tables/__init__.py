from . import arrays, elementwise, images, layers, linalg, losses, networks  # noqa: F401  (each fills case.cases)
