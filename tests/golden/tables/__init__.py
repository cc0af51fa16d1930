from . import arrays, elementwise, images, linalg, losses, networks  # noqa: F401  (each fills case.cases)
